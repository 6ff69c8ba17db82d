//! The address of a receiver.

use kernel::{Error, Refusal, Result, text_type};
use reqwest::Url;

use super::egress::Egress;

/// Not an address that events could be posted to.
pub const NOT_A_URL: Refusal = Refusal::invalid(
    "webhook.not_a_url",
    "须为 https 地址,不含用户名、密码和 # 部分,最多500个字符,如 https://hooks.example.cn/linli。",
    "It must be an https address without user, password and fragment, at most 500 characters, such as https://hooks.example.cn/linli.",
);
/// An address that webhooks may not go to.
pub const NOT_REACHABLE: Refusal = Refusal::invalid(
    "webhook.not_reachable",
    "该地址不允许推送:须为公网上的 https 地址,端口为允许的端口;内网地址须由运维人员以 WEBHOOK_NETWORKS 放行。",
    "Webhooks may not go there: it must be https on the public internet, at a port that is allowed; the operator may allow networks of his own with WEBHOOK_NETWORKS.",
);

/// Characters of an address at the most.
const LONGEST: usize = 500;

text_type!(
    /// The address of a receiver: https, without user, password and fragment.
    WebhookUrl,
    |text| {
        let url = Url::parse(text).map_err(|_| &NOT_A_URL)?;
        let fits = text.len() <= LONGEST
            && text.bytes().all(|byte| byte.is_ascii_graphic())
            && matches!(url.scheme(), "https" | "http")
            && url.host_str().is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none();
        if fits { Ok(text.to_owned()) } else { Err((&NOT_A_URL).into()) }
    },
    #[schema(value_type = String, min_length = 10, max_length = 500, pattern = "^https?://[!-~]+$", example = "https://hooks.example.cn/linli")]
);

impl WebhookUrl {
    /// Refuses an address that webhooks may not go to, as far as that is known before its name is resolved.
    pub fn within_reach(&self, egress: &Egress) -> Result<()> {
        let url: Url = self.as_str().parse().map_err(|_| Error::from(&NOT_A_URL))?;
        if egress.may_reach(&url) { Ok(()) } else { Err(NOT_REACHABLE.at("/url").into()) }
    }

    /// Scheme, host and port alone: what follows may hold a key.
    #[must_use]
    pub fn without_path(&self) -> Self {
        let origin = Url::parse(self.as_str()).map(|url| format!("{}/", url.origin().ascii_serialization()));
        Self(origin.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_no_secrets_but_in_their_path() {
        for bad in [
            "",
            "hooks.example.cn",
            "ftp://hooks.example.cn/",
            "https://a:b@hooks.example.cn/",
            "https://a@hooks.example.cn/",
            "https://",
            "https://h.cn/#x",
            "https://h.cn/ x",
            "https://h.cn/中",
            "file:///etc/passwd",
            "javascript:alert(1)",
        ] {
            assert_eq!(WebhookUrl::parse(bad).unwrap_err().refusal, &NOT_A_URL, "{bad}");
        }
        assert!(WebhookUrl::parse(&format!("https://h.cn/{}", "x".repeat(500))).is_err());
        let url = WebhookUrl::parse("https://hooks.example.cn:8443/t/sEcReT?key=k").unwrap();
        assert_eq!(url.without_path().as_str(), "https://hooks.example.cn:8443/");
    }
}
