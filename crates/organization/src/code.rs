//! The codes of places. Each begins with its parent's, is never changed and is never used again.

use kernel::{Refusal, text_type};

fn digits(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Declares a code: its form, the refusal of what is none, and the codes above it that it begins with.
macro_rules! code {
    ($(#[$doc:meta])* $name:ident, $is:ident, $check:expr, $refusal:ident = ($code:literal, $zh:literal, $en:literal), $pattern:tt, $length:tt, $example:tt $(, $parent:ident -> $parent_type:ident ($first:literal))*) => {
        #[doc = concat!("A text that is no ", stringify!($name), ".")]
        pub const $refusal: Refusal = Refusal::invalid($code, $zh, $en);

        #[doc = concat!("Whether a text is a ", stringify!($name), ".")]
        #[must_use]
        pub fn $is(text: &str) -> bool {
            let check: fn(&str) -> bool = $check;
            check(text)
        }

        text_type!(
            $(#[$doc])*
            $name,
            |text| if $is(text) { Ok(text.to_owned()) } else { Err($refusal.with("value", text.chars().take(40).collect::<String>())) },
            #[schema(value_type = String, pattern = $pattern, min_length = $length, max_length = $length, example = $example)]
        );

        impl $name {
            $(#[doc = concat!("The code that this one begins with: a ", stringify!($parent_type), ".")]
            #[must_use]
            pub fn $parent(&self) -> &str {
                self.as_str().get(..$first).unwrap_or_default()
            })*
        }
    };
}

code!(
    /// The code of a subdistrict, town or township (GB/T 10114): six digits of the city and three of its own.
    SubdistrictCode, is_subdistrict_code, |text| digits(text, 9),
    NOT_A_SUBDISTRICT_CODE = ("subdistrict.bad_code", "“{value}”不是街道编码:应为9位数字,前6位是市的编码。", "“{value}” is no subdistrict code: nine digits, the first six being the city's."),
    "^[0-9]{9}$", 9, "421181001"
);
code!(
    /// The code of a community: nine digits of the subdistrict and three of its own.
    CommunityCode, is_community_code, |text| digits(text, 12),
    NOT_A_COMMUNITY_CODE = ("community.bad_code", "“{value}”不是社区编码:应为12位数字,前9位是街道的编码。", "“{value}” is no community code: twelve digits, the first nine being the subdistrict's."),
    "^[0-9]{12}$", 12, "421181001001", subdistrict -> SubdistrictCode (9)
);
code!(
    /// The code of a grid: twelve digits of the community and three of its own.
    GridCode, is_grid_code, |text| digits(text, 15),
    NOT_A_GRID_CODE = ("grid.bad_code", "“{value}”不是网格编码:应为15位数字,前12位是社区的编码。", "“{value}” is no grid code: fifteen digits, the first twelve being the community's."),
    "^[0-9]{15}$", 15, "421181001001001", community -> CommunityCode (12)
);
code!(
    /// The code of a compound: twelve digits of the community, the letter X (小区) and three digits of its own.
    CompoundCode, is_compound_code,
    |text| text.is_ascii() && text.len() == 16 && text.get(..12).is_some_and(|code| digits(code, 12)) && text.get(12..13) == Some("X") && text.get(13..).is_some_and(|code| digits(code, 3)),
    NOT_A_COMPOUND_CODE = ("compound.bad_code", "“{value}”不是小区编码:应为12位社区编码、字母X和3位数字。", "“{value}” is no compound code: the twelve digits of the community, the letter X and three digits."),
    "^[0-9]{12}X[0-9]{3}$", 16, "421181001001X001", community -> CommunityCode (12)
);
code!(
    /// The code of a building: twelve digits of the community and five of its own.
    BuildingCode, is_building_code, |text| digits(text, 17),
    NOT_A_BUILDING_CODE = ("building.bad_code", "“{value}”不是楼栋编码:应为17位数字,前12位是社区的编码。", "“{value}” is no building code: seventeen digits, the first twelve being the community's."),
    "^[0-9]{17}$", 17, "42118100100100001", community -> CommunityCode (12)
);
code!(
    /// The code of a household: seventeen digits of the building and six of its own, in practice two each for
    /// entrance, floor and room.
    HouseholdCode, is_household_code, |text| digits(text, 23),
    NOT_A_HOUSEHOLD_CODE = ("household.bad_code", "“{value}”不是户编码:应为23位数字,前17位是楼栋的编码。", "“{value}” is no household code: twenty-three digits, the first seventeen being the building's."),
    "^[0-9]{23}$", 23, "42118100100100001010302", building -> BuildingCode (17), community -> CommunityCode (12)
);
code!(
    /// The code of a dwelling: seventeen digits of the building and six of its own, in practice two each for
    /// entrance, floor and room, as in the code of a household.
    DwellingCode, is_dwelling_code, |text| digits(text, 23),
    NOT_A_DWELLING_CODE = ("dwelling.bad_code", "“{value}”不是房屋编码:应为23位数字,前17位是楼栋的编码。", "“{value}” is no dwelling code: twenty-three digits, the first seventeen being the building's."),
    "^[0-9]{23}$", 23, "42118100100100001010302", building -> BuildingCode (17), community -> CommunityCode (12)
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_what_they_should_be() {
        assert_eq!(GridCode::parse("421181001001001").unwrap().community(), "421181001001");
        assert_eq!(CompoundCode::parse("421181001001X001").unwrap().community(), "421181001001");
        assert_eq!(HouseholdCode::parse("42118100100100001010302").unwrap().building(), "42118100100100001");
        for bad in ["", "42118100100100", "42118100100100a", "4211810010010011", "421181001001\u{ff10}\u{ff10}"] {
            assert_eq!(GridCode::parse(bad).unwrap_err().refusal.code, "grid.bad_code", "{bad}");
        }
        for bad in ["421181001001x001", "421181001001X01", "42118100100网X001"] {
            assert!(CompoundCode::parse(bad).is_err(), "{bad}");
        }
    }
}
