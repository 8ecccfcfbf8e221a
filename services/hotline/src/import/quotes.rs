//! Watches the quotation marks of comma-separated values on their way to the parser, which takes the
//! end of the file for the end of a quotation that nobody closed.

use std::io::{self, Read};

/// A quotation that the file ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenQuote {
    /// Bytes before its mark.
    pub(super) offset: u64,
    /// The line of its mark, from 1.
    pub(super) line: u64,
}

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    CellBegins,
    Plain,
    Quoted,
    /// Behind a mark within a quotation: its end, or the first of two that stand for one.
    Mark,
}

/// Passes text through and remembers where a quotation opened.
pub(super) struct Watched<R> {
    input: R,
    separator: u8,
    place: Place,
    opened: OpenQuote,
    offset: u64,
    line: u64,
    is_over: bool,
}

impl<R: Read> Watched<R> {
    pub(super) fn new(input: R, separator: u8) -> Self {
        Self {
            input,
            separator,
            place: Place::CellBegins,
            opened: OpenQuote { offset: 0, line: 1 },
            offset: 0,
            line: 1,
            is_over: false,
        }
    }

    /// The quotation that the file ended in, once it has ended.
    pub(super) fn left_open(&self) -> Option<OpenQuote> {
        (self.is_over && self.place == Place::Quoted).then_some(self.opened)
    }

    fn pass(&mut self, byte: u8) {
        let is_end = byte == self.separator || byte == b'\n' || byte == b'\r';
        self.place = match (self.place, byte) {
            (Place::CellBegins, b'"') => {
                self.opened = OpenQuote {
                    offset: self.offset,
                    line: self.line,
                };
                Place::Quoted
            }
            (Place::Quoted, b'"') => Place::Mark,
            (Place::Quoted, _) | (Place::Mark, b'"') => Place::Quoted,
            _ if is_end => Place::CellBegins,
            _ => Place::Plain,
        };
        self.offset += 1;
        self.line += u64::from(byte == b'\n');
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.is_over = count == 0 && !buffer.is_empty();
        for &byte in buffer.iter().take(count) {
            self.pass(byte);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_that_nobody_closes_is_known_by_its_line_and_others_are_not() {
        let cases = [
            ("a,b\n1,\"二\n三\n", Some(2)),
            ("a\n\"", Some(2)),
            ("a\n\"一\"\"\n\"\n", None),
            ("a\n\"一\"\"\n", Some(2)),
            ("a\n五\"的管子\n", None),
            ("a\n\"一\"二,\"三\n", Some(2)),
            ("\"一\",\"二\"", None),
        ];
        for (text, line) in cases {
            let mut watched = Watched::new(text.as_bytes(), b',');
            std::io::copy(&mut watched, &mut std::io::sink()).unwrap();
            let found = watched.left_open().map(|open| open.line);
            assert_eq!(found, line, "{text}");
        }
    }
}
