//! Who stands behind property companies, and behind the service of compounds (ORG-15, ORG-17).

use kernel::text_enum;

text_enum!(
    /// Who stands behind a property company, or behind the service of a compound.
    PropertyCompanyKind {
        /// A company on the market.
        Commercial = "commercial" "商业物业",
        /// Founded under the lead of a community (社区牵头).
        CommunityLed = "community_led" "社区牵头物业",
        /// A work unit, for its own housing (单位自管).
        UnitSelf = "unit_self" "单位自管",
        /// The owners, for themselves (业主自治).
        OwnerSelf = "owner_self" "业主自治",
    }
);
