//! Who serves the compounds of the city. Companies are invented; their codes belong to a division that does not exist.

use kernel::{Error, Result};
use organization::credit_code::check_digit;

use crate::city::City;

/// Communities and companies of one copy of the city: a company of its own for each community, the others on the market.
const COMMUNITIES: usize = 17;
const COMMERCIAL: usize = 29;
/// Words of invented names.
const FIRST: [&str; 8] = ["安馨", "广厦", "同心", "永和", "嘉禾", "清风", "锦程", "瑞景"];
const SECOND: [&str; 4] = ["家", "园", "居", "佳"];

/// A property company of the plan.
pub struct Company {
    pub code: String,
    pub name: String,
    pub kind: &'static str,
    /// The community that took the lead, where one did.
    pub founder: Option<String>,
}

/// The companies of the city: of each copy those on the market, then those of its communities.
pub fn companies(city: &City) -> Result<Vec<Company>> {
    let mut companies = Vec::new();
    for (copy, communities) in (1..).zip(city.communities.chunks(COMMUNITIES)) {
        let suffix = if copy == 1 { String::new() } else { format!("({copy})") };
        let names = FIRST.iter().flat_map(|first| SECOND.iter().map(move |second| format!("麻城市{first}{second}物业服务有限公司")));
        for name in names.take(COMMERCIAL) {
            companies.push(Company { code: code(companies.len())?, name: format!("{name}{suffix}"), kind: "commercial", founder: None });
        }
        for community in communities {
            let name = format!("麻城市{}物业服务有限公司", community.name);
            companies.push(Company { code: code(companies.len())?, name, kind: "community_led", founder: Some(community.code.clone()) });
        }
    }
    Ok(companies)
}

/// A code that no company can have: 421199 is no division.
fn code(number: usize) -> Result<String> {
    let first = format!("91421199MA{:07}", number + 1);
    let last = check_digit(&first).ok_or_else(|| Error::Internal(format!("{first} begins no credit code")))?;
    Ok(format!("{first}{last}"))
}
