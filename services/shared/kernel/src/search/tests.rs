//! What is found by what.

use proptest::prelude::*;

use super::*;

fn is_found(text: &str, query: &str) -> bool {
    let (words, asked) = (words_of(text), words_asked(query));
    assert!(!asked.is_empty(), "nothing is asked by {query}");
    asked.is_subset(&words)
}

#[test]
fn what_citizens_complain_about_is_found_in_their_words() {
    let rows = [
        ("楼下烧烤店夜间噪音扰民,请处理", "噪音扰民"),
        ("楼下的噪音已经严重扰民", "噪音扰民"),
        ("我家暖气不热,室内只有十五度", "暖气不热"),
        ("我家暖气不热,室内只有十五度", "暖气 室内"),
        ("公交311路早高峰等了40分钟", "公交311路"),
        ("公交311路早高峰等了40分钟", "311"),
        ("311路公交车不进站", "公交311路"),
        ("阳光花园小区3号楼电梯停运", "阳光花园"),
        ("住在阳光花园的居民反映停水", "阳光花园"),
        ("在翠湖苑三号楼门口", "翠湖苑"),
        ("位于新建的澜庭锦绣小区", "澜庭锦绣"),
        ("路灯不亮", "灯"),
        ("路灯不亮", "路燈"),
        ("社區供暖不熱,電話無人接聽", "社区供暖不热"),
        ("社区供暖不热,电话无人接听", "社區 供暖不熱"),
        ("ＫＴＶ深夜扰民", "ktv"),
        ("WiFi信号差", "wifi信号"),
        ("第１２号井盖松动", "12号井盖"),
        ("工单260331-7K2QF-4的答复", "260331-7k2qf-4"),
        ("工单260331-7K2QF-4的答复", "2603317K2QF4"),
        ("修路灯", "的路灯"),
    ];
    for (text, query) in rows {
        assert!(is_found(text, query), "{query} in {text}");
    }
}

#[test]
fn what_is_not_said_is_not_found() {
    let rows = [
        ("公交311路早高峰", "公交11路"),
        ("公交311路早高峰", "公交31路"),
        ("暖气很热", "暖气不热"),
        ("湖边的翠竹苑", "翠湖苑"),
        ("阳光很好的小区", "阳光花园"),
        ("工单260331-7K2QF-4", "260331-7k2qf-5"),
        ("暖气，不热水", "不热情"),
    ];
    for (text, query) in rows {
        assert!(!is_found(text, query), "{query} in {text}");
    }
}

#[test]
fn what_masking_left_of_a_number_is_no_word() {
    let standard = crate::mask::Masker::standard();
    let masked = standard.internal("请回电19900000007,或0832-2000000,路灯不亮");
    assert!(masked.contains("0007"), "{masked}");
    let words = words_of(&masked);
    for gone in [
        "19900000007",
        "199",
        "0007",
        "0832",
        "00",
        "2000000",
        "08322000000",
    ] {
        assert!(!words.contains(gone), "{gone} of {masked}");
    }
    assert!(words.contains("路灯"));
}

#[test]
fn a_search_for_nothing_asks_nothing() {
    for query in ["", "  ", "。，！？", "***", "\u{200b}"] {
        assert!(words_asked(query).is_empty(), "{query}");
    }
    assert_eq!(words_asked("的"), BTreeSet::from(["的".to_owned()]));
    assert_eq!(words_asked("路灯的"), BTreeSet::from(["路灯".to_owned()]));
}

#[test]
fn no_word_is_longer_than_its_limit() {
    let long = "a".repeat(5_000);
    assert!(
        words_of(&long)
            .iter()
            .all(|word| word.len() <= WORD_CHARS_MAX)
    );
    assert!(is_found(&long, &long));
    let dashes = "a-".repeat(500);
    assert!(
        words_of(&dashes)
            .iter()
            .all(|word| word.len() <= WORD_CHARS_MAX)
    );
}

#[test]
fn every_traditional_character_is_folded_at_once() {
    let again = |symbol: char| traditional::simplified(traditional::simplified(symbol));
    for symbol in '\u{3400}'..='\u{9fff}' {
        assert_eq!(again(symbol), traditional::simplified(symbol), "{symbol}");
    }
    assert_eq!(traditional::simplified('電'), '电');
}

/// Texts as people write: words of the dictionary, characters in any order, numbers, gaps.
fn pieces() -> impl Strategy<Value = Vec<String>> {
    let known = prop::sample::select(vec![
        "路灯",
        "不亮",
        "暖气",
        "公交车",
        "居民委员会",
        "人民政府",
        "小区",
        "物业管理",
        "中华人民共和国",
        "的",
        "電話",
    ]);
    let piece = prop_oneof![
        4 => known.prop_map(str::to_owned),
        3 => "[\u{4e00}-\u{9fff}]{1,4}",
        1 => "[0-9]{1,4}路",
        1 => "[，。 !]",
    ];
    prop::collection::vec(piece, 1..24)
}

proptest! {
    #[test]
    fn a_part_of_a_text_finds_it(pieces in pieces(), from in 0_usize..60, length in 1_usize..12) {
        let text = pieces.concat();
        let symbols: Vec<char> = text.chars().collect();
        let from = from % symbols.len();
        let end = (from + length).min(symbols.len());
        // A number is a whole word: a part of it is another one.
        let is_digit = |index: usize| symbols.get(index).is_some_and(char::is_ascii_digit);
        prop_assume!(!(from > 0 && is_digit(from - 1) && is_digit(from)));
        prop_assume!(!(is_digit(end - 1) && is_digit(end)));
        let part: String = symbols[from..end].iter().collect();
        let (words, asked) = (words_of(&text), words_asked(&part));
        prop_assert!(asked.is_subset(&words), "{} in {}: {:?}", part, text, asked.difference(&words));
    }
}
