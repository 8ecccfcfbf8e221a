//! Finds numbers: identity numbers, accounts, telephones, in whatever groups they are written.

use std::ops::Range;

use super::Found;
use super::checks::{is_credit_code, is_identity_number, is_luhn, is_old_identity_number};
use super::shadow::{SEPARATORS_MAX, Shadow, is_separator};
use crate::personal::{area_code_length, hide_middle, is_landline, is_local_number, is_mobile};

/// No number that a rule knows has more digits.
const DIGITS_MAX: usize = 30;
/// No number that a rule knows has fewer.
const DIGITS_MIN: usize = 7;
/// The longest bank card, and the longest number that needs no cue.
const CARD_DIGITS_MAX: usize = 19;
/// An account that a cue names has at least so many.
const ACCOUNT_DIGITS_MIN: usize = 10;
/// What names an account.
const ACCOUNT_CUES: [&str; 5] = ["卡号", "账号", "账户", "银行卡", "存折"];
/// Public services: they are the subject of many appeals and never personal.
const SERVICE_NUMBERS: [&str; 42] = [
    "110", "112", "114", "119", "120", "122", "999", "10000", "10010", "10050", "10086", "10099",
    "11185", "11183", "12110", "12121", "12123", "12301", "12305", "12306", "12309", "12313",
    "12315", "12316", "12317", "12318", "12319", "12320", "12328", "12329", "12333", "12338",
    "12345", "12348", "12350", "12355", "12360", "12366", "12367", "12369", "12388", "95598",
];

/// Digits that stand together and are written in one way.
struct Group {
    start: usize,
    end: usize,
    digits: String,
    /// What a mask left over, such as the 5678 of 138****5678.
    is_remnant: bool,
}

/// Every number that a rule knows.
pub(super) fn find(shadow: &Shadow) -> Vec<Found> {
    let (codes, mut found) = credit_codes(shadow);
    for run in runs(shadow) {
        let mut first = 0;
        while first < run.len() {
            match longest(shadow, &run, first, &codes) {
                Some((number, next)) => {
                    found.push(number);
                    first = next;
                }
                None => first += 1,
            }
        }
    }
    found
}

/// Groups of digits, and which of them can belong to one number.
fn runs(shadow: &Shadow) -> Vec<Vec<Group>> {
    let mut runs: Vec<Vec<Group>> = Vec::new();
    let mut index = 0;
    while index < shadow.len() {
        let Some(script) = shadow.script(index) else {
            index += 1;
            continue;
        };
        let start = index;
        while shadow.script(index) == Some(script) {
            index += 1;
        }
        let digits: String = (start..index)
            .filter_map(|place| shadow.get(place))
            .collect();
        let touches_star = shadow.before(start) == Some('*') || shadow.get(index) == Some('*');
        let group = Group {
            start,
            end: index,
            is_remnant: touches_star && digits.len() <= 4,
            digits,
        };
        match runs.last_mut() {
            Some(run)
                if run
                    .last()
                    .is_some_and(|last| continues(shadow, last.end, start)) =>
            {
                run.push(group);
            }
            _ => runs.push(vec![group]),
        }
    }
    runs
}

fn continues(shadow: &Shadow, end: usize, start: usize) -> bool {
    start - end <= SEPARATORS_MAX
        && (end..start).all(|place| shadow.get(place).is_some_and(is_separator))
}

/// The longest number that begins with group `first`, and the group after it.
fn longest(
    shadow: &Shadow,
    run: &[Group],
    first: usize,
    codes: &[Range<usize>],
) -> Option<(Found, usize)> {
    let mut candidates = Vec::new();
    let mut digits = String::new();
    for (place, group) in run.iter().enumerate().skip(first) {
        let is_company_code = codes
            .iter()
            .any(|code| code.start < group.end && group.start < code.end);
        if group.is_remnant || is_company_code || digits.len() + group.digits.len() > DIGITS_MAX {
            break;
        }
        digits.push_str(&group.digits);
        candidates.push((place, digits.len()));
    }
    let start = run.get(first)?.start;
    // Looking for a cue costs; a number of fewer digits is no account.
    let is_account = digits.len() >= ACCOUNT_DIGITS_MIN && shadow.has_cue(start, &ACCOUNT_CUES);
    for (last, length) in candidates.into_iter().rev() {
        if length < DIGITS_MIN || (length > CARD_DIGITS_MAX && !is_account) {
            continue;
        }
        let number = Number {
            is_account,
            shadow,
            groups: &run[first..=last],
            rest: &run[last + 1..],
            digits: &digits[..length],
        };
        if let Some(found) = number.identify() {
            let next = run
                .iter()
                .position(|group| group.start >= found.end)
                .unwrap_or(run.len());
            return Some((found, next));
        }
    }
    None
}

/// Groups that together could be one number.
struct Number<'run> {
    shadow: &'run Shadow,
    groups: &'run [Group],
    rest: &'run [Group],
    digits: &'run str,
    /// Whether a cue before it speaks of an account.
    is_account: bool,
}

impl Number<'_> {
    fn identify(&self) -> Option<Found> {
        self.identity()
            .or_else(|| self.account())
            .or_else(|| self.mobile())
            .or_else(|| self.landline())
    }

    fn start(&self) -> usize {
        self.groups.first().map_or(0, |group| group.start)
    }

    fn end(&self) -> usize {
        self.groups.last().map_or(0, |group| group.end)
    }

    /// Whether no letter or digit stands beside it up to `end`.
    fn is_bounded(&self, end: usize) -> bool {
        let is_free =
            |symbol: Option<char>| symbol.is_none_or(|symbol| !symbol.is_ascii_alphanumeric());
        is_free(self.shadow.before(self.start())) && is_free(self.shadow.get(end))
    }

    fn found(&self, rule: &'static str, end: usize, internal: String, public: String) -> Found {
        Found {
            rule,
            start: self.start(),
            end,
            internal,
            public,
        }
    }

    fn identity(&self) -> Option<Found> {
        const CUES: [&str; 2] = ["身份证", "证件号"];
        let certificate = || "〔证件〕".to_owned();
        let (start, end) = (self.start(), self.end());
        if self.digits.len() == 17 && matches!(self.shadow.get(end), Some('x' | 'X')) {
            let whole = format!("{}X", self.digits);
            return (is_identity_number(&whole) && self.is_bounded(end + 1))
                .then(|| self.found("id18", end + 1, certificate(), certificate()));
        }
        if is_identity_number(self.digits) && self.is_bounded(end) {
            return Some(self.found("id18", end, certificate(), certificate()));
        }
        let is_sure = || self.shadow.has_cue(start, &CUES) || self.shadow.is_alone(start, end);
        (is_old_identity_number(self.digits) && self.is_bounded(end) && is_sure())
            .then(|| self.found("id15", end, certificate(), certificate()))
    }

    fn account(&self) -> Option<Found> {
        let digits = self.digits;
        let is_card = (16..=CARD_DIGITS_MAX).contains(&digits.len())
            && (digits.starts_with("62") || digits.starts_with(['3', '4', '5']))
            && is_luhn(digits);
        let is_named = self.is_account && digits.len() >= ACCOUNT_DIGITS_MIN;
        // Accounts are never written with dots between their groups; sums of money are.
        let has_dots = self.groups.windows(2).any(|pair| {
            (pair[0].end..pair[1].start).any(|place| self.shadow.get(place) == Some('.'))
        });
        if !(is_card || is_named) || has_dots || !self.is_bounded(self.end()) {
            return None;
        }
        let shown = format!("****{}", &digits[digits.len() - 4..]);
        Some(self.found("bank", self.end(), shown.clone(), shown))
    }

    fn mobile(&self) -> Option<Found> {
        let national = self
            .digits
            .strip_prefix("0086")
            .or_else(|| self.digits.strip_prefix("86"))
            .unwrap_or(self.digits);
        if !is_mobile(national) {
            return None;
        }
        Some(self.found(
            "mobile",
            self.end(),
            hide_middle(national, 3, 4),
            "〔号码〕".to_owned(),
        ))
    }

    fn landline(&self) -> Option<Found> {
        const CUES: [&str; 9] = [
            "电话",
            "座机",
            "致电",
            "拨打",
            "来电",
            "联系方式",
            "号码",
            "小灵通",
            "传真",
        ];
        let first = self.groups.first()?;
        if is_landline(self.digits) {
            let area = area_code_length(self.digits)?;
            let is_written_so =
                first.digits.len() == area || first.digits.len() == self.digits.len();
            if !is_written_so || self.groups.len() > 3 {
                return None;
            }
            let internal = hide_middle(self.digits, area, 2);
            return Some(self.found(
                "landline",
                self.end_with_extension(),
                internal,
                "〔号码〕".to_owned(),
            ));
        }
        let is_service = self
            .groups
            .iter()
            .any(|group| SERVICE_NUMBERS.contains(&group.digits.as_str()));
        let is_amount = matches!(
            self.shadow.get(self.end()),
            Some('元' | '万' | '块' | '亿' | '户' | '人' | '件')
        );
        let is_local =
            is_local_number(self.digits) && self.groups.len() <= 2 && !is_service && !is_amount;
        (is_local && self.is_bounded(self.end()) && self.shadow.has_cue(self.start(), &CUES)).then(
            || {
                self.found(
                    "landline",
                    self.end_with_extension(),
                    "〔号码〕".to_owned(),
                    "〔号码〕".to_owned(),
                )
            },
        )
    }

    /// Where the extension behind a switchboard ends: `-801`, `转801`.
    fn end_with_extension(&self) -> usize {
        let end = self.end();
        if self.shadow.get(end) == Some('转') {
            let digits = (end + 1..self.shadow.len())
                .take_while(|&place| self.shadow.script(place).is_some())
                .count();
            return if (1..=6).contains(&digits) {
                end + 1 + digits
            } else {
                end
            };
        }
        match self.rest.first() {
            Some(group)
                if group.digits.len() <= 6
                    && group.start == end + 1
                    && self.shadow.get(end) == Some('-') =>
            {
                group.end
            }
            _ => end,
        }
    }
}

/// Company codes: they stay, and nothing inside them is a number of a person.
///
/// A text that is a valid identity number too is a company's only where its cue says so: hiding a company's
/// code does less harm than showing a person's.
fn credit_codes(shadow: &Shadow) -> (Vec<Range<usize>>, Vec<Found>) {
    const CUES: [&str; 4] = ["信用代码", "税号", "纳税人", "营业执照"];
    let mut codes = Vec::new();
    let mut found = Vec::new();
    let mut index = 0;
    while index < shadow.len() {
        let start = index;
        while shadow
            .get(index)
            .is_some_and(|symbol| symbol.is_ascii_alphanumeric())
        {
            index += 1;
        }
        if index - start == 18 {
            let token: String = (start..index)
                .filter_map(|place| shadow.get(place))
                .collect();
            let upper = token.to_ascii_uppercase();
            if is_credit_code(&upper)
                && (!is_identity_number(&upper) || shadow.has_cue(start, &CUES))
            {
                codes.push(start..index);
                found.push(Found {
                    rule: "uscc",
                    start,
                    end: index,
                    internal: token.clone(),
                    public: token,
                });
            }
        }
        index += usize::from(index == start);
    }
    (codes, found)
}
