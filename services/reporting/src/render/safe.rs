//! What citizens wrote, made harmless for the place it is shown in.

use hotline_kernel::text::normalise;

/// Text that can never start a formula: a leading `'` where the first character could.
#[must_use]
pub fn formula_safe(text: &str) -> String {
    let starts_formula = |first: char| {
        matches!(
            first,
            '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'
        )
    };
    if text.starts_with(starts_formula) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// Text without control characters but line ends and tabs; what turns the direction of writing is shown escaped.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for symbol in text.chars() {
        match symbol {
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                shown.extend(symbol.escape_unicode());
            }
            '\n' | '\t' => shown.push(symbol),
            other if other.is_control() => {}
            other => shown.push(other),
        }
    }
    shown
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
