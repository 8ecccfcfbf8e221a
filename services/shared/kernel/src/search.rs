//! The words by which a text is found, and the words that a search asks for.
//!
//! [`words_of`] and [`words_asked`] read a text the same way: compatibility forms and traditional characters
//! folded, in lower case, punctuation a gap. Of Chinese, a text has every single character, every two that
//! stand together, and every longer word of the dictionary wherever it stands; a search asks for the words it
//! is best cut into, and for each two that stand together of what the dictionary does not know. So what was
//! searched is found in every text in which it stands, however that text would be cut: a new housing estate
//! or a word of the town needs no dictionary. Digits and Latin letters are whole words: 11路 is not 311路.

mod traditional;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jieba_rs::Jieba;
use unicode_normalization::UnicodeNormalization;

/// Longest word, in characters; of a longer one its beginning counts.
const WORD_CHARS_MAX: usize = 40;
/// Characters that a search does without while it asks for anything else: nobody means them.
const PARTICLES: &str = "的了着吗呢吧啊呀";

/// Read once, when the first text is cut; it never changes.
static DICTIONARY: LazyLock<Jieba> = LazyLock::new(Jieba::new);

/// What kind of symbols stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Script {
    /// Chinese.
    Han,
    /// Other letters and digits.
    Plain,
    /// What masking left: it and the digits beside it say nothing.
    Mask,
    /// Anything else.
    Gap,
}

/// Symbols of one script that stand together.
#[derive(Debug)]
struct Run {
    script: Script,
    symbols: Vec<char>,
}

impl Run {
    fn word(&self) -> String {
        self.symbols.iter().take(WORD_CHARS_MAX).collect()
    }
}

/// Every word by which `text` is found.
#[must_use]
pub fn words_of(text: &str) -> BTreeSet<String> {
    let runs = runs(text);
    let mut words = BTreeSet::new();
    for (index, run) in runs.iter().enumerate() {
        match run.script {
            Script::Han => words_of_han(&run.symbols, &mut words),
            Script::Plain if is_masked(&runs, index) => {}
            Script::Plain => {
                words.extend(with_next(&runs, index));
                words.extend(without_dashes(&runs[index..]));
                words.insert(run.word());
            }
            Script::Mask | Script::Gap => {}
        }
    }
    words
}

/// Every word that a text must have, to be found by `query`; none if it holds no letter or digit.
#[must_use]
pub fn words_asked(query: &str) -> BTreeSet<String> {
    let runs = runs(query);
    let mut words = BTreeSet::new();
    let mut particles = BTreeSet::new();
    for (index, run) in runs.iter().enumerate() {
        match run.script {
            Script::Han => {
                // The first character belongs to the number before it already.
                let is_taken = index > 0 && runs[index - 1].script == Script::Plain;
                words_asked_of_han(&run.symbols, is_taken, &mut words, &mut particles);
            }
            Script::Plain if is_masked(&runs, index) => {}
            Script::Plain => {
                let word = with_next(&runs, index).unwrap_or_else(|| run.word());
                words.insert(word);
            }
            Script::Mask | Script::Gap => {}
        }
    }
    if words.is_empty() { particles } else { words }
}

fn words_of_han(symbols: &[char], words: &mut BTreeSet<String>) {
    words.extend(symbols.iter().map(char::to_string));
    words.extend(symbols.windows(2).map(String::from_iter));
    let text = String::from_iter(symbols);
    for token in DICTIONARY.cut_all(&text) {
        if token.end - token.start > 2 {
            words.insert(token.word.to_owned());
        }
    }
}

fn words_asked_of_han(
    symbols: &[char],
    is_first_taken: bool,
    words: &mut BTreeSet<String>,
    particles: &mut BTreeSet<String>,
) {
    let text = String::from_iter(symbols);
    // Characters that no word of the dictionary took, in a row.
    let mut loose: Vec<char> = Vec::new();
    let mut tokens = DICTIONARY
        .cut(&text, false)
        .into_iter()
        .map(|token| token.word)
        .peekable();
    let mut place = 0;
    while let Some(word) = tokens.next() {
        let mut characters = word.chars();
        match (characters.next(), characters.next()) {
            (Some(single), None) => loose.push(single),
            _ => {
                words.insert(word.to_owned());
            }
        }
        place += word.chars().count();
        let is_end = tokens
            .peek()
            .is_none_or(|next| next.chars().nth(1).is_some());
        if is_end {
            match loose.as_slice() {
                [] => {}
                [_] if is_first_taken && place == 1 => {}
                [single] if PARTICLES.contains(*single) => {
                    particles.insert(single.to_string());
                }
                [single] => {
                    words.insert(single.to_string());
                }
                several => words.extend(several.windows(2).map(String::from_iter)),
            }
            loose.clear();
        }
    }
}

/// A number or Latin word with the character it counts or names: 311路, 12号.
fn with_next(runs: &[Run], index: usize) -> Option<String> {
    let next = runs
        .get(index + 1)
        .filter(|run| run.script == Script::Han)?;
    let mut word = runs[index].word();
    word.extend(next.symbols.first());
    Some(word)
}

/// What stands between dashes as one word: people say a ticket's number with and without them.
fn without_dashes(runs: &[Run]) -> Option<String> {
    let mut word = runs.first()?.word();
    let parts = runs[1..]
        .chunks_exact(2)
        .take_while(|pair| pair[0].symbols == ['-'] && pair[1].script == Script::Plain);
    let mut is_joined = false;
    for pair in parts {
        word.push_str(&pair[1].word());
        is_joined = true;
    }
    is_joined.then(|| word.chars().take(WORD_CHARS_MAX).collect())
}

/// Whether a mask stands beside: what is left of a number must not be found.
fn is_masked(runs: &[Run], index: usize) -> bool {
    let is_mask = |run: &Run| run.script == Script::Mask;
    let before = index.checked_sub(1).and_then(|before| runs.get(before));
    before.is_some_and(is_mask) || runs.get(index + 1).is_some_and(is_mask)
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let symbols = text
        .nfkc()
        .flat_map(char::to_lowercase)
        .map(traditional::simplified);
    for symbol in symbols {
        let script = script_of(symbol);
        match runs.last_mut() {
            Some(last) if last.script == script => last.symbols.push(symbol),
            _ => runs.push(Run {
                script,
                symbols: vec![symbol],
            }),
        }
    }
    runs
}

fn script_of(symbol: char) -> Script {
    match symbol {
        '〇'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' => Script::Han,
        '*' => Script::Mask,
        _ if symbol.is_alphanumeric() => Script::Plain,
        _ => Script::Gap,
    }
}

#[cfg(test)]
mod tests;
