//! The rooms of CONTRIBUTING.md: what each may reach for is checked in the source.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::{env, fs};

use hotline_platform::fault::POINTS;

/// A room of a service's crate and what must not be named in it.
struct Room {
    name: &'static str,
    holds: fn(&str) -> bool,
    forbidden: &'static [&'static str],
}

const ROOMS: &[Room] = &[
    Room {
        name: "kernel and domain",
        holds: |path| path.contains("/kernel/src/") || path.contains("/src/domain"),
        forbidden: &[
            "tokio",
            "sea_orm",
            "tonic",
            "hotline_proto",
            "hotline_platform",
            "redis",
            "axum",
            "tracing",
            "rand",
            "crate::store",
        ],
    },
    Room {
        name: "app",
        holds: |path| path.contains("/src/app"),
        forbidden: &[
            "sea_orm",
            "tonic",
            "hotline_proto",
            "redis",
            "axum",
            "reqwest",
            "openidconnect",
        ],
    },
    Room {
        name: "store",
        holds: |path| path.contains("/src/store"),
        forbidden: &["tonic", "hotline_proto", "redis", "axum"],
    },
    Room {
        name: "grpc and convert",
        holds: |path| path.contains("/src/grpc") || path.contains("/src/convert"),
        forbidden: &[
            "sea_orm",
            "redis",
            "crate::store",
            "reqwest",
            "openidconnect",
        ],
    },
    Room {
        name: "events",
        holds: |path| path.ends_with("/src/events.rs") || path.contains("/src/events/"),
        forbidden: &["sea_orm", "tonic", "redis", "axum"],
    },
];

const SERVICES: &[&str] = &["intake", "routing", "feedback", "reporting", "gateway"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder that can be listed").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Lines of code that name one of `crates` as a path (`name::`) or import it (`use name;`).
fn trespasses(source: &str, crates: &[&str]) -> Vec<String> {
    let code = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let names = |line: &str, name: &str| {
        line.match_indices(name).any(|(at, _)| {
            let is_path = line[at + name.len()..].starts_with([':', ';']);
            is_path
                && !line[..at].ends_with(|before: char| {
                    before.is_alphanumeric() || before == '_' || before == ':'
                })
        })
    };
    code.filter(|line| crates.iter().any(|name| names(line, name)))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_room_keeps_to_itself() {
    let mut files = Vec::new();
    sources(&root().join("services"), &mut files);
    let mut broken = Vec::new();
    for file in &files {
        let path = file.to_string_lossy().replace('\\', "/");
        let is_service = SERVICES
            .iter()
            .any(|service| path.contains(&format!("/services/{service}/")));
        if !is_service && !path.contains("/kernel/src/") {
            continue;
        }
        let source = fs::read_to_string(file).expect("readable source");
        for room in ROOMS.iter().filter(|room| (room.holds)(&path)) {
            for line in trespasses(&source, room.forbidden) {
                broken.push(format!("{path} ({}): {}", room.name, line.trim()));
            }
        }
    }
    assert!(broken.is_empty(), "rooms were left:\n{}", broken.join("\n"));
}

/// What a service does by itself: reactions and timers. Everything else is done for a caller, within his scope.
const OWN_WORK: &[&str] = &[
    "/routing/src/app/hearing.rs",
    "/routing/src/app/cards.rs",
    "/intake/src/app/hearing.rs",
    // A unit's part in an appeal is judged by `domain::reveal`.
    "/intake/src/app/reveals.rs",
];

#[test]
fn only_reactions_and_timers_reach_rows_without_a_caller() {
    let mut files = Vec::new();
    for service in SERVICES {
        sources(
            &root().join("services").join(service).join("src"),
            &mut files,
        );
    }
    let found = files.iter().map(|file| {
        let path = file.to_string_lossy().replace('\\', "/");
        (path, fs::read_to_string(file).expect("readable source"))
    });
    let own: Vec<String> = found
        .filter(|(path, _)| !path.contains("/src/tests"))
        .filter(|(_, source)| source.contains("own_work"))
        .map(|(path, _)| path)
        .collect();
    let is_known = |path: &&String| OWN_WORK.iter().any(|known| path.ends_with(known));
    let strangers: Vec<&String> = own.iter().filter(|path| !is_known(path)).collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    assert_eq!(own.len(), OWN_WORK.len(), "{own:?}");
}

#[test]
fn services_never_depend_on_each_other() {
    for service in SERVICES {
        let manifest = root().join("services").join(service).join("Cargo.toml");
        let manifest = fs::read_to_string(manifest).expect("every service has a manifest");
        for other in SERVICES {
            assert!(
                !manifest.contains(&format!("hotline-{other} =")),
                "{service} depends on {other}"
            );
        }
    }
}

#[test]
fn a_trespass_would_be_seen() {
    let cases = [
        ("use sea_orm::EntityTrait;", 1),
        ("    let rows = sea_orm::Statement::new();", 1),
        ("// sea_orm::Statement is not used here", 0),
        ("use crate::not_sea_orm::thing;", 0),
    ];
    for (line, expected) in cases {
        assert_eq!(trespasses(line, &["sea_orm"]).len(), expected, "{line}");
    }
    let inner = [
        ("use crate::store::lists::Filter;", 1),
        ("use crate::store::{Days, Issued};", 1),
        ("use crate::store;", 1),
        ("use crate::storey::Floor;", 0),
    ];
    for (line, expected) in inner {
        assert_eq!(
            trespasses(line, &["crate::store"]).len(),
            expected,
            "{line}"
        );
    }
}

#[test]
fn every_crash_point_stands_once_in_the_source_and_in_the_table() {
    const CALL: &str = "fault::point(\"";
    let mut files = Vec::new();
    sources(&root().join("services"), &mut files);
    let mut called = Vec::new();
    for file in files {
        let source = fs::read_to_string(file).expect("readable source");
        let after = source.split(CALL).skip(1);
        called.extend(after.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
    }
    called.sort_unstable();
    assert_eq!(called, POINTS, "the calls, and the table of `fault.rs`");
}

#[test]
fn no_file_holds_two_ideas() {
    let mut files = Vec::new();
    sources(&root().join("services"), &mut files);
    sources(&root().join("tests"), &mut files);
    let long: Vec<String> = files
        .iter()
        .filter(|file| !file.to_string_lossy().contains("/target/"))
        .filter_map(|file| {
            let lines = fs::read_to_string(file)
                .expect("readable source")
                .lines()
                .count();
            (lines > 420).then(|| format!("{} has {lines} lines", file.display()))
        })
        .collect();
    assert!(
        long.is_empty(),
        "past about 400 lines look for the second idea:\n{}",
        long.join("\n")
    );
}

/// Words in backquotes of `docs/security-controls.md` that are names of tests: with underscores and no dots or slashes.
fn named_tests(text: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_name = |word: &&str| {
        word.contains('_')
            && word.chars().all(|symbol| {
                symbol.is_ascii_lowercase() || symbol.is_ascii_digit() || symbol == '_'
            })
    };
    quoted.filter(is_name).map(str::to_owned).collect()
}

#[test]
fn every_test_that_the_controls_name_exists() {
    let controls = root().join("docs/security-controls.md");
    let named = named_tests(&fs::read_to_string(controls).expect("the controls are written down"));
    assert!(named.len() > 40, "{}", named.len());
    let mut files = Vec::new();
    for folder in ["services", "tests", "proto/tests"] {
        sources(&root().join(folder), &mut files);
    }
    let is_ours = |file: &&PathBuf| !file.to_string_lossy().contains("/target/");
    let all: String = files
        .iter()
        .filter(is_ours)
        .map(|file| fs::read_to_string(file).expect("readable source"))
        .collect();
    let missing: Vec<&String> = named
        .iter()
        .filter(|name| !all.contains(&format!("fn {name}(")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
