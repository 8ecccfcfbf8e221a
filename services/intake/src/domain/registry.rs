//! Channels and lines: the registry tables that intake owns.

use serde::{Deserialize, Serialize};

use super::terms::Term;

/// A way appeals come in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Its code, unique.
    pub code: String,
    /// Its name.
    pub name: String,
    /// What it is: phone, mailbox, `message_board`, …
    pub kind: String,
    /// The unit that answers for it.
    pub owner_unit_code: String,
    /// Whether answers are published on it.
    pub is_answered_publicly: bool,
}

/// How a legacy line lives on beside the one number (国办发〔2020〕53号).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeMode {
    /// 整体并入
    Absorbed,
    /// 双号并行
    Parallel,
    /// 设分中心
    SubCentre,
    /// 保留
    Retained,
}

impl MergeMode {
    /// The mode of a word as files write it: ours or the official one.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        match word {
            "整体并入" => Some(Self::Absorbed),
            "双号并行" => Some(Self::Parallel),
            "设分中心" => Some(Self::SubCentre),
            "保留" => Some(Self::Retained),
            other => Self::parse(other),
        }
    }
}

impl Term for MergeMode {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Absorbed, "absorbed"),
        (Self::Parallel, "parallel"),
        (Self::SubCentre, "sub_centre"),
        (Self::Retained, "retained"),
    ];
}

/// A legacy line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What is dialled, unique.
    pub number: String,
    /// Its name.
    pub name: String,
    /// Name of the unit that kept it.
    pub unit_name: String,
    /// How it lives on.
    pub merge_mode: MergeMode,
    /// What is said to an exempt line is never stored.
    pub is_exempt: bool,
}
