//! The rules as a table: what is personal, how it is recognised, what is left of it.

/// One kind of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable name.
    pub id: &'static str,
    /// What it is, in the words of the openness rules.
    pub field: &'static str,
    /// What makes a match certain.
    pub check: &'static str,
    /// What is left for readers inside.
    pub internal: &'static str,
    /// What is left in public.
    pub public: &'static str,
}

const fn rule(
    id: &'static str,
    field: &'static str,
    check: &'static str,
    internal: &'static str,
    public: &'static str,
) -> Rule {
    Rule {
        id,
        field,
        check,
        internal,
        public,
    }
}

/// All rules. Where two overlap, the earlier wins: company codes are tested first because they must stay.
pub const RULES: [Rule; 16] = [
    rule(
        "uscc",
        "统一社会信用代码",
        "18 characters, GB 32100 check; no valid identity number unless 信用代码 or 税号 stands before it",
        "kept",
        "kept",
    ),
    rule(
        "email",
        "电子邮箱",
        "local part, @, domain",
        "a***@domain",
        "a***@domain",
    ),
    rule("qq", "社交账号", "QQ before it", "〔社交号〕", "〔社交号〕"),
    rule(
        "wechat",
        "社交账号",
        "微信 before it",
        "〔社交号〕",
        "〔社交号〕",
    ),
    rule(
        "id18",
        "身份证号",
        "GB 11643 check, valid date, no digit or letter beside it",
        "〔证件〕",
        "〔证件〕",
    ),
    rule(
        "id15",
        "身份证号(旧)",
        "valid date; 身份证 before it, or nothing else in the text",
        "〔证件〕",
        "〔证件〕",
    ),
    rule(
        "bank",
        "银行账号",
        "16 to 19 digits from 62, 4, 5 or 3 with Luhn check; or 卡号, 账号 before 10 to 30 digits",
        "last 4",
        "last 4",
    ),
    rule(
        "mobile",
        "联系电话",
        "11 digits from 13 to 19, no digit beside it; 86 may stand before it",
        "138****5678",
        "〔号码〕",
    ),
    rule(
        "landline",
        "联系电话",
        "area code and 7 or 8 digits; without area code only after 电话, 座机 or the like",
        "0832****00",
        "〔号码〕",
    ),
    rule(
        "passport",
        "护照",
        "护照 before it, or nothing else in the text",
        "〔证件〕",
        "〔证件〕",
    ),
    rule(
        "hkmo",
        "港澳居民来往内地通行证",
        "通行证 or 回乡证 before it, or nothing else in the text",
        "〔证件〕",
        "〔证件〕",
    ),
    rule(
        "plate",
        "车牌",
        "GA 36 form with at least two digits, no digit or letter beside it",
        "川K·***",
        "川K·***",
    ),
    rule(
        "birth",
        "出生日期",
        "出生, 生日 or 生于 beside a date",
        "year",
        "year",
    ),
    rule(
        "addr_detail",
        "家庭住址",
        "building, unit and room",
        "**",
        "**",
    ),
    rule(
        "name_cue",
        "姓名",
        "我叫, 姓名, 联系人 before a family name",
        "张**",
        "张某某",
    ),
    rule(
        "money",
        "财产状况",
        "income, savings or debt before an amount",
        "**元",
        "**元",
    ),
];

/// The place of a rule in [`RULES`].
pub(super) fn priority(id: &str) -> usize {
    RULES
        .iter()
        .position(|rule| rule.id == id)
        .unwrap_or(RULES.len())
}
