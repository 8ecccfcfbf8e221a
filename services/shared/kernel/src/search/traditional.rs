//! Traditional characters as simplified ones, character by character.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Each line holds pairs; lines that begin with `#` tell where they are from.
const PAIRS: &str = include_str!("traditional.txt");

static SIMPLIFIED: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let lines = PAIRS.lines().filter(|line| !line.starts_with('#'));
    let mut pairs = HashMap::new();
    for line in lines {
        let mut symbols = line.chars();
        while let (Some(traditional), Some(simplified)) = (symbols.next(), symbols.next()) {
            pairs.insert(traditional, simplified);
        }
    }
    pairs
});

/// The simplified form of a character; the character itself if it has none.
pub(super) fn simplified(symbol: char) -> char {
    // Nothing below is in the table, and most of a number or a Latin word is.
    if symbol < '\u{3400}' {
        return symbol;
    }
    SIMPLIFIED.get(&symbol).copied().unwrap_or(symbol)
}
