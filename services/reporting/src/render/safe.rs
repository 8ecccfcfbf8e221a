//! What citizens wrote, made harmless for the place it is shown in.

use std::borrow::Cow;

use hotline_kernel::text::normalise;

/// Visible text that starts no formula.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    match visible(text) {
        Cow::Borrowed(text) => formula_safe(text),
        Cow::Owned(text) => Cow::Owned(formula_safe(&text).into_owned()),
    }
}

/// Text that can never start a formula: a leading `'` where the first character could.
#[must_use]
pub fn formula_safe(text: &str) -> Cow<'_, str> {
    let starts_formula = |first: char| {
        matches!(
            first,
            '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'
        )
    };
    if text.starts_with(starts_formula) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Text without control characters but line ends and tabs; what turns the direction of writing is shown escaped.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_shown) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for symbol in text.chars() {
        match symbol {
            plain if is_shown(plain) => shown.push(plain),
            control if control.is_control() => {}
            direction => shown.extend(direction.escape_unicode()),
        }
    }
    Cow::Owned(shown)
}

/// Whether a character is shown as it is.
fn is_shown(symbol: char) -> bool {
    match symbol {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
        '\n' | '\t' => true,
        other => !other.is_control(),
    }
}

/// Visible text on one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    let text = normalise(&visible(text));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One line that Markdown shows as it is.
#[must_use]
pub fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for symbol in one_line(text).chars() {
        if matches!(
            symbol,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '!' | '~' | '&'
        ) {
            escaped.push('\\');
        }
        escaped.push(symbol);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_starts_a_formula() {
        for first in ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"] {
            let text = format!("{first}cmd|' /C calc'!A0");
            assert_eq!(formula_safe(&text), format!("'{text}"), "{first:?}");
        }
        assert_eq!(formula_safe("路灯=不亮"), "路灯=不亮");
        assert_eq!(formula_safe(""), "");
    }

    #[test]
    fn a_terminal_is_never_told_what_to_do() {
        assert_eq!(
            one_line("路灯\u{1b}[31m不亮\n\n请修\u{202e}gpj"),
            "路灯[31m不亮 请修\\u{202e}gpj"
        );
        assert_eq!(
            markdown("a|b <script> [x](y)"),
            "a\\|b \\<script\\> \\[x\\](y)"
        );
    }
}
