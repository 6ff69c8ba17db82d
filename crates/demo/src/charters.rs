//! The clause on the leadership of the Party in the documents of the city's compounds. Votes and minutes are invented.

use kernel::Result;

use crate::city::City;
use crate::files::compound_code;
use crate::services::projects;

/// The day on which all of them were adopted, and that on which they were published.
const ADOPTED: &str = "2023-03-01";
const PUBLISHED: &str = "2023-03-20";
/// The day in between on which they were filed.
const FILED: &str = "2023-03-10";
/// Square metres of a dwelling.
const DWELLING: u32 = 108;

/// Writes them: of each compound the convention and the rules of the committee, and the articles of the company where one
/// serves it.
pub fn write(city: &City, mut row: impl FnMut(&[&str]) -> Result<()>) -> Result<()> {
    row(&[
        "compound_code",
        "document",
        "company_code",
        "clause",
        "adopted_on",
        "eligible",
        "attending",
        "agreeing",
        "area_total",
        "area_participating",
        "area_agreeing",
        "minutes_number",
        "filed_on",
        "filed_with",
        "valid_from",
    ])?;
    for project in projects(city)? {
        let (code, compound) = (compound_code(project.community, project.compound), project.compound);
        let mut adopted = |document: &str, company: &str, clause: &str, numbers: (u32, u32, u32), has_areas: bool| {
            let (eligible, attending, agreeing) = numbers;
            let filed_with = if company.is_empty() { "街道办事处(示例)" } else { "市场监督管理局(示例)" };
            let area = |heads: u32| if has_areas { format!("{}.00", heads * DWELLING) } else { String::new() };
            row(&[
                &code,
                document,
                company,
                clause,
                ADOPTED,
                &eligible.to_string(),
                &attending.to_string(),
                &agreeing.to_string(),
                &area(eligible),
                &area(attending),
                &area(agreeing),
                "示例2023-1",
                FILED,
                filed_with,
                PUBLISHED,
            ])
        };
        let households = compound.households.max(1);
        let present = households / 2 + 1;
        adopted("residents_convention", "", "本小区在社区党组织领导下开展居民自治。", (households, present, present), false)?;
        let owners = compound.dwellings.max(1);
        let present = (2 * owners).div_ceil(3);
        adopted("committee_rules", "", "业主委员会在社区党组织领导下开展工作。", (owners, present, present / 2 + 1), true)?;
        if let Some(company) = &project.company {
            adopted("company_articles", company.as_str(), "公司支持党组织开展工作。", (100, 100, 80), false)?;
        }
    }
    Ok(())
}
