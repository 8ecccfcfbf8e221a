//! The words of filled tickets. They are those of invented appeals, cut as the program cuts them, and some
//! that every so many tickets have: a search for them finds a known share.

use hotline_kernel::search::words_of;

use super::Filler;
use super::words::Words;
use crate::bench::texts;

/// Appeals that the tickets take turns with.
const TEXTS: u64 = 2_000;
/// Texts of one statement.
const CHUNK: u64 = 200;
/// Names of streets and estates that no text holds; each ticket has two of them.
const NAMES: u32 = 40_000;

/// What is searched, and which tickets have it.
#[derive(Clone, Copy, Debug)]
pub(in crate::bench) struct Sought {
    pub(in crate::bench) label: &'static str,
    pub(in crate::bench) query: &'static str,
    /// SQL of `n`, one for each word; the words are those of [`words_of`].
    marks: &'static [(&'static str, &'static str)],
}

/// The searches that are measured.
pub(in crate::bench) const SOUGHT: [Sought; 5] = [
    Sought {
        label: "search, a word of 30 % of the tickets",
        query: "噪音",
        marks: &[("噪音", "n % 10 < 3")],
    },
    Sought {
        label: "search, a word of 1 %",
        query: "暖气",
        marks: &[("暖气", "n % 100 = 7")],
    },
    Sought {
        label: "search, a word of 1 in 20,000",
        query: "变电站",
        marks: &[("变电站", "n % 20000 = 11")],
    },
    Sought {
        label: "search, two words, both in 10 %",
        query: "噪音扰民",
        marks: &[("扰民", "n % 3 = 0")],
    },
    Sought {
        label: "search, two words of 10 % each that stand together in 1 of 5,000",
        query: "停电 停水",
        marks: &[
            ("停电", "(n % 10 = 4 OR n % 5000 = 1)"),
            ("停水", "(n % 10 = 5 OR n % 5000 = 1)"),
        ],
    },
];

impl Filler<'_> {
    /// Fills what searches read, for tickets that are there already.
    pub(in crate::bench) async fn fill_search(&self) -> anyhow::Result<()> {
        let indexes = self.drop_indexes(&["ticket_search"]).await?;
        self.run("CREATE TABLE bench_text (id bigint PRIMARY KEY, words text NOT NULL)")
            .await?;
        self.fill_texts().await?;
        let columns = Words::new(self.is_sqlite(), self.extent);
        let (ticket, place) = (columns.ticket(), columns.place());
        let mut words = format!(
            "said.words || ' f' || n || ' x' || (n * 7919 % {NAMES}) || ' x' || (n * 104729 % {NAMES})"
        );
        for (word, has) in SOUGHT.iter().flat_map(|sought| sought.marks) {
            words = format!("{words} || CASE WHEN {has} THEN ' {word}' ELSE '' END");
        }
        let from = format!("FROM series JOIN bench_text AS said ON said.id = n % {TEXTS}");
        if self.is_sqlite() {
            self.in_chunks(&format!(
                "INSERT INTO ticket_search (ticket_id, place) SELECT {ticket}, {place} FROM series WHERE TRUE"
            ))
            .await?;
            self.in_chunks(&format!(
                "INSERT INTO ticket_words (rowid, words) SELECT {place}, {words} {from} WHERE TRUE"
            ))
            .await?;
            self.run("INSERT INTO ticket_words (ticket_words) VALUES ('optimize')")
                .await?;
        } else {
            let span =
                format!("' §t' || encode(convert_to((({place}) >> 51)::text, 'UTF8'), 'hex')");
            let words = format!("{words} || {span}");
            self.in_chunks(&format!(
                "INSERT INTO ticket_search (ticket_id, place, words) \
                 SELECT {ticket}, {place}, array_to_tsvector(string_to_array({words}, ' ')) {from} WHERE TRUE"
            ))
            .await?;
        }
        for index in indexes {
            self.run(&index).await?;
        }
        self.run("DROP TABLE bench_text").await?;
        self.run(if self.is_sqlite() {
            "ANALYZE ticket_search"
        } else {
            "VACUUM ANALYZE ticket_search"
        })
        .await
    }

    async fn fill_texts(&self) -> anyhow::Result<()> {
        let mut first = 0;
        while first < TEXTS {
            let rows: Vec<String> = (first..first + CHUNK).map(text_row).collect();
            self.run(&format!(
                "INSERT INTO bench_text (id, words) VALUES {}",
                rows.join(", ")
            ))
            .await?;
            first += CHUNK;
        }
        Ok(())
    }
}

/// Words hold letters and digits only, so they can stand in a statement.
fn text_row(id: u64) -> String {
    let said = texts::usual("fill", id * 37);
    let mut words = words_of(&said.subject);
    words.extend(words_of(&said.text));
    let words: Vec<String> = words.into_iter().collect();
    format!("({id}, '{}')", words.join(" "))
}

#[cfg(test)]
mod tests {
    use hotline_kernel::search::words_asked;

    use super::*;

    #[test]
    fn a_search_asks_for_what_is_filled_and_no_text_has() {
        let marks: Vec<&str> = SOUGHT
            .iter()
            .flat_map(|sought| sought.marks)
            .map(|(word, _)| *word)
            .collect();
        for sought in SOUGHT {
            for word in words_asked(sought.query) {
                assert!(marks.contains(&word.as_str()), "{word} is not filled");
            }
        }
        let texts: Vec<String> = (0..TEXTS).map(text_row).collect();
        for mark in marks {
            let own = format!(" {mark} ");
            assert!(texts.iter().all(|text| !text.contains(&own)), "{mark}");
        }
    }
}
