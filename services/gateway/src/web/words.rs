//! What pages say, in Chinese and in English.

use crate::domain::account::{AccountName, Unfit};
use crate::error::GatewayError;

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// 简体中文.
    Chinese,
    /// English.
    English,
}

impl Language {
    /// Its word, as the cookie, the link and `lang` have it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Chinese => "zh",
            Self::English => "en",
        }
    }

    /// The language of a word.
    pub(crate) fn of(word: &str) -> Option<Self> {
        match word {
            "zh" => Some(Self::Chinese),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// The first of ours that a browser asks for; ours is a Chinese city.
    pub(crate) fn accepted(header: &str) -> Self {
        let mut words = header
            .split(',')
            .map(|word| word.trim().get(..2).unwrap_or(""));
        words.find_map(Self::of).unwrap_or(Self::Chinese)
    }

    /// `zh` or `en`, whichever this is.
    pub(crate) fn say(self, zh: &'static str, en: &'static str) -> &'static str {
        match self {
            Self::Chinese => zh,
            Self::English => en,
        }
    }

    /// Why something was not done, for the person who tried.
    pub(crate) fn told(self, error: &GatewayError) -> String {
        let (zh, en) = match error {
            GatewayError::SignInRefused => (
                "用户名、密码或验证码不正确，或该账号不能登录。",
                "The name, the password or the code is wrong, or this account cannot be signed in to.",
            ),
            GatewayError::TooMany { after } => {
                let minutes = after.as_secs().div_ceil(60).max(1);
                return match self {
                    Self::Chinese => format!("失败次数过多，请在约 {minutes} 分钟后再试。"),
                    Self::English => {
                        format!("Too many failures. Try again in about {minutes} min.")
                    }
                };
            }
            GatewayError::PasswordExpired => (
                "密码已过期。请再次输入，并设置新密码；验证码请用下一个。",
                "Your password has expired. Enter everything again with a new password, and the next code.",
            ),
            GatewayError::Weak(weak) => {
                return match self {
                    Self::Chinese => weak_in_chinese(*weak).to_owned(),
                    Self::English => sentence(&weak.to_string()),
                };
            }
            GatewayError::Busy => (
                "此刻登录的人较多，请稍后再试。",
                "Many people sign in at this moment. Try again.",
            ),
            GatewayError::ProviderRefused => (
                "统一身份认证登录未成功：该账号不能登录本系统，或登录已超时。请重新登录，仍不行请联系安全管理员。",
                "You could not be signed in by the identity provider: this account cannot be used here, or you took \
                 too long. Try again, or ask the security administrator.",
            ),
            GatewayError::ProviderAway => (
                "统一身份认证暂时连接不上。请稍后再试，或用本系统的用户名和密码登录。",
                "The identity provider does not answer. Try again later, or sign in with a name and password of \
                 this system.",
            ),
            GatewayError::CodeWrong => (
                "验证码不正确或已使用，请等下一个。",
                "The code is wrong or was used. Wait for the next one.",
            ),
            GatewayError::SessionNotFound => ("该会话已结束。", "That session is over."),
            GatewayError::LinkNotFound => (
                "该链接不存在、已使用或已超过 24 小时，或缺少其第二部分。",
                "This link was used, replaced, is older than 24 hours, or lacks its second part.",
            ),
            GatewayError::Invalid { field: "name", .. } => {
                return match self {
                    Self::Chinese => {
                        "用户名须为 2 至 32 个小写字母、数字、点、横线或下划线，以字母开头。"
                            .to_owned()
                    }
                    Self::English => format!("The name must be {}.", AccountName::EXPECTED),
                };
            }
            GatewayError::Invalid {
                field: "password_again",
                ..
            } => ("两次输入的密码不一致。", "The two passwords differ."),
            GatewayError::Invalid { .. } | GatewayError::Unfit(Unfit::NotOfStaff) => {
                ("请把表格填写完整。", "Something is missing in the form.")
            }
            _ => (
                "系统暂时无法处理，请稍后再试。",
                "This cannot be done now. Try again later.",
            ),
        };
        self.say(zh, en).to_owned()
    }
}

fn weak_in_chinese(weak: crate::domain::password::Weak) -> &'static str {
    use crate::domain::password::Weak;
    match weak {
        Weak::Length => "密码须有 12 至 128 个字符。",
        Weak::Kinds => {
            "密码须含小写字母、大写字母、数字、其他符号中的至少两种，或不少于 20 个字符。"
        }
        Weak::Common => "密码不能主要由常用词、用户名、键盘顺序或重复字符组成。",
        Weak::Unchanged => "新密码不能与旧密码相同。",
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_gets_the_first_of_its_languages_that_we_speak() {
        for (header, expected) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("en-GB,en;q=0.9,zh;q=0.8", Language::English),
            ("de-DE,de;q=0.9,en;q=0.8", Language::English),
            ("de", Language::Chinese),
            ("", Language::Chinese),
        ] {
            assert_eq!(Language::accepted(header), expected, "{header}");
        }
    }
}
