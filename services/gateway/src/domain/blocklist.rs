//! What everybody tries first: the commonest passwords, words of a city's hotline, rows of neighbours on a
//! keyboard, repetitions.

/// Characters that must be left when all of this is taken out.
const LEFT_MIN: usize = 6;
/// A row of neighbours or a repetition counts from this length on, in characters.
const ROW_MIN: usize = 3;
/// The longest part that is looked for as repeated.
const REPEATED_MAX: usize = 6;

/// The words, in small letters: from public lists of the commonest passwords, Chinese ones among them, and from what
/// a city's hotline is about.
const WORDS: &[&str] = &[
    "password",
    "passwort",
    "passwd",
    "pass",
    "qwerty",
    "qwertz",
    "azerty",
    "admin",
    "administrator",
    "root",
    "welcome",
    "letmein",
    "login",
    "master",
    "monkey",
    "dragon",
    "football",
    "baseball",
    "iloveyou",
    "princess",
    "sunshine",
    "shadow",
    "superman",
    "batman",
    "trustno1",
    "starwars",
    "michael",
    "jordan",
    "charlie",
    "hello",
    "freedom",
    "whatever",
    "secret",
    "changeme",
    "default",
    "guest",
    "test",
    "temp",
    "user",
    "server",
    "system",
    "manager",
    "service",
    "computer",
    "internet",
    "summer",
    "winter",
    "spring",
    "autumn",
    "china",
    "zhongguo",
    "beijing",
    "shanghai",
    "guangzhou",
    "shenzhen",
    "chengdu",
    "sichuan",
    "hotline",
    "12345",
    "110",
    "119",
    "120",
    "95598",
    "rexian",
    "shizhang",
    "shimin",
    "zhengfu",
    "zhengwu",
    "fuwu",
    "bianmin",
    "gongdan",
    "zuoxi",
    "woaini",
    "5201314",
    "1314520",
    "520",
    "1314",
    "aini",
    "woaiwojia",
    "asd",
    "zxc",
    "qaz",
    "wsx",
    "edc",
    "rfv",
    "1qaz",
    "2wsx",
    "3edc",
    "4rfv",
    "1q2w3e4r",
    "q1w2e3r4",
    "a1b2c3",
    "abc123",
    "aa123456",
    "mima",
    "wangluo",
    "xinxi",
    "guanliyuan",
    "yonghu",
    "nihao",
    "jiayou",
    "taobao",
    "weixin",
    "wechat",
    "qq",
    "city",
    "mayor",
    "government",
    "citizen",
    "ticket",
    "operator",
    "热线",
    "市长",
    "市民",
    "政府",
    "密码",
    "管理员",
    "我爱你",
    "中国",
    "2020",
    "2021",
    "2022",
    "2023",
    "2024",
    "2025",
    "2026",
    "2027",
    "2028",
];

/// Neighbours, on keyboards and in alphabets.
const ROWS: &[&str] = &[
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "!@#$%^&*()",
    "qazwsxedcrfvtgbyhnujm",
];

/// Whether too little is left of `text` when what everybody tries first is taken out of it.
pub(super) fn is_common(text: &str, account: &str) -> bool {
    let small: Vec<char> = text.to_lowercase().chars().collect();
    let unmasked: Vec<char> = small.iter().copied().map(unmask).collect();
    let name: Vec<String> = account
        .split(['.', '_', '-'])
        .filter(|part| part.chars().count() >= ROW_MIN)
        .map(str::to_owned)
        .collect();
    // What either look covers is covered: in `p@ssw0rd12345` one sees the word, the other the row of digits.
    let (plain, bare) = (covered(&small, &name), covered(&unmasked, &name));
    let left = plain
        .iter()
        .zip(&bare)
        .filter(|(one, other)| !**one && !**other);
    left.count() < LEFT_MIN
}

/// Letters that signs and digits are put for.
fn unmask(letter: char) -> char {
    match letter {
        '@' | '4' => 'a',
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '$' | '5' => 's',
        '7' => 't',
        other => other,
    }
}

/// Which characters a word, a row or a repetition covers.
fn covered(letters: &[char], name: &[String]) -> Vec<bool> {
    let mut is_covered = vec![false; letters.len()];
    let words = WORDS.iter().copied().chain(name.iter().map(String::as_str));
    for word in words {
        let word: Vec<char> = word.chars().collect();
        for (start, window) in letters.windows(word.len()).enumerate() {
            if window == word {
                is_covered[start..start + word.len()].fill(true);
            }
        }
    }
    for row in ROWS {
        let forth: Vec<char> = row.chars().collect();
        let back: Vec<char> = forth.iter().rev().copied().collect();
        for row in [forth, back] {
            for window in row.windows(ROW_MIN) {
                for (start, found) in letters.windows(ROW_MIN).enumerate() {
                    if found == window {
                        is_covered[start..start + ROW_MIN].fill(true);
                    }
                }
            }
        }
    }
    cover_repetitions(letters, &mut is_covered);
    is_covered
}

/// Covers whatever says again what stands just before it.
fn cover_repetitions(letters: &[char], is_covered: &mut [bool]) {
    for length in 1..=REPEATED_MAX {
        for start in length..letters.len().saturating_sub(length - 1) {
            if letters[start - length..start] == letters[start..start + length] {
                is_covered[start..start + length].fill(true);
            }
        }
    }
}
