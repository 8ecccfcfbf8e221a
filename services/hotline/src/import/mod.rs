//! `hotline import`: a file of citizens' messages goes, row by row, to intake.
//!
//! [`file::open`] makes any format a lazy run of rows ([`source`]): [`records`] reads CSV and JSON
//! lines in flat memory, [`sheet`] has workbooks parsed by a child process that shuts itself in
//! ([`sandbox`], [`workbook`], [`frame`]).

pub mod file;
mod frame;
mod records;
mod sandbox;
pub mod sheet;
pub mod source;
mod text;
mod workbook;
