//! What an administrator of the database can do to a trail.

use rand::Rng;
use rand::rngs::StdRng;
use sea_orm::{ConnectionTrait, DbBackend, DbErr};

use super::attacks::put_back;
use super::{Trail, does};
use crate::audit::AuditKey;
use crate::audit::key::beginning;
use crate::audit::row::{COLUMNS, Row};
use crate::audit::seal::Seal;
use crate::audit::sealer;
use crate::core::Core;
use crate::db::sql;

/// A kind of attack.
#[derive(Clone, Copy, Debug)]
pub(super) enum Attack {
    /// One bit of one column of one row.
    Flip,
    /// Rows, or seals, are deleted.
    Delete,
    /// A row is put in.
    Insert,
    /// Two rows change places.
    Swap,
    /// The end is cut off, cleanly.
    Truncate,
    /// Rows are changed and everything behind them is sealed again, as well as can be without the key.
    Reseal,
    /// An old copy is put in place; the city may go on from there.
    Replay,
}

impl Attack {
    pub(super) fn any(rng: &mut StdRng) -> Self {
        match rng.random_range(0..20) {
            0..8 => Self::Flip,
            8..11 => Self::Delete,
            11..13 => Self::Insert,
            13..15 => Self::Swap,
            15..17 => Self::Truncate,
            17..19 => Self::Reseal,
            _ => Self::Replay,
        }
    }
}

/// Does it to a trail of `rows` rows; tells what it did.
pub(super) async fn tamper(trail: &Trail, attack: Attack, rows: i64, rng: &mut StdRng) -> String {
    let core = &trail.core;
    // What the database itself refuses was no attack; another is tried.
    for _ in 0..100 {
        let texts = match attack {
            Attack::Flip => flip(core, rows, rng),
            Attack::Delete => delete(rows, rng),
            Attack::Insert => insert(rows, rng),
            Attack::Swap => swap(rows, rng),
            Attack::Truncate => truncate(rows, rng),
            Attack::Reseal => return reseal(core, rows, rng).await,
            Attack::Replay => return replay(trail, rng).await,
        };
        if done(core, &texts).await.is_ok_and(|changed| changed > 0) {
            return texts.join("; ");
        }
        put_back(core, "kept").await;
    }
    panic!("{attack:?} was never possible");
}

async fn done(core: &Core, texts: &[String]) -> Result<u64, DbErr> {
    let txn = core.db().begin_write().await.unwrap();
    let mut changed = 0;
    for text in texts {
        changed += txn.execute_unprepared(text).await?.rows_affected();
    }
    txn.commit().await?;
    Ok(changed)
}

const TEXTS: [&str; 10] = [
    "actor",
    "session",
    "unit_code",
    "from_addr",
    "method",
    "resource",
    "resource_id",
    "action",
    "reason",
    "trace_id",
];

fn flip(core: &Core, rows: i64, rng: &mut StdRng) -> Vec<String> {
    let number = rng.random_range(1..=rows);
    // A power of two is added or taken away: a bit that turns over.
    let bit = |rng: &mut StdRng| 1_i64 << rng.random_range(0..62);
    let seal =
        format!("chain_seq = (SELECT MIN(chain_seq) FROM audit_seal WHERE chain_seq >= {number})");
    let is_postgres = core.db().writer().get_database_backend() == DbBackend::Postgres;
    let bytes = |column: &str, rng: &mut StdRng| flipped_byte(column, is_postgres, rng);
    let of_row = |set: String| format!("UPDATE audit SET {set} WHERE chain_seq = {number}");
    let of_seal = |set: String| format!("UPDATE audit_seal SET {set} WHERE {seal}");
    let text = match rng.random_range(0..21) {
        index @ 0..10 => {
            let column = TEXTS[index];
            // The lowest bit of the first character, or a character where there is none.
            let point = if is_postgres { "ascii" } else { "unicode" };
            let character = if is_postgres { "chr" } else { "char" };
            of_row(format!(
                "{column} = CASE WHEN {column} = '' THEN 'x' ELSE {character}({point}({column}) + 1 - 2 * ({point}({column}) % 2)) \
                 || substr({column}, 2) END"
            ))
        }
        10 => of_row(format!("at = at + {}", bit(rng))),
        11 => of_row(format!("version = version - {}", bit(rng))),
        12 => of_row(format!("writer_seq = writer_seq + {}", bit(rng))),
        13 => of_row(bytes("mac", rng)),
        14 if is_postgres => of_row(
            "writer = CAST(translate(CAST(writer AS text), '0123456789abcdef', '1032547698badcfe') AS uuid)"
                .to_owned(),
        ),
        14 => of_row(bytes("writer", rng)),
        15 => of_row(format!("chain_seq = chain_seq + {}", bit(rng))),
        16 => of_row(format!("seq = seq + {}", bit(rng))),
        17 => of_seal(format!("at = at + {}", bit(rng))),
        18 => of_seal(bytes(["hash", "mac"][rng.random_range(0..2)], rng)),
        19 => of_seal(format!(
            "{0} = {0} + {1}",
            ["chain_seq", "first_seq"][rng.random_range(0..2)],
            bit(rng)
        )),
        _ => format!("UPDATE audit_head SET id = id + {}", 1 << rng.random_range(0..30)),
    };
    vec![text]
}

/// A column of bytes with one bit of one of its first sixteen turned over.
fn flipped_byte(column: &str, is_postgres: bool, rng: &mut StdRng) -> String {
    let byte = rng.random_range(0..16);
    if is_postgres {
        let bit = byte * 8 + rng.random_range(0..8);
        return format!("{column} = set_bit({column}, {bit}, 1 - get_bit({column}, {bit}))");
    }
    // SQLite has no function for it: a hex digit is replaced by its neighbour.
    let at = byte * 2 + 1;
    format!(
        "{column} = unhex(substr(hex({column}), 1, {at}) || CASE substr(hex({column}), {at} + 1, 1) \
         WHEN '0' THEN '1' WHEN '1' THEN '0' WHEN '2' THEN '3' WHEN '3' THEN '2' WHEN '4' THEN '5' \
         WHEN '5' THEN '4' WHEN '6' THEN '7' WHEN '7' THEN '6' WHEN '8' THEN '9' WHEN '9' THEN '8' \
         WHEN 'A' THEN 'B' WHEN 'B' THEN 'A' WHEN 'C' THEN 'D' WHEN 'D' THEN 'C' WHEN 'E' THEN 'F' \
         ELSE 'E' END || substr(hex({column}), {at} + 2))"
    )
}

fn delete(rows: i64, rng: &mut StdRng) -> Vec<String> {
    let first = rng.random_range(1..=rows);
    let last = first + rng.random_range(0..5);
    let table = ["audit", "audit", "audit_seal"][rng.random_range(0..3)];
    vec![format!(
        "DELETE FROM {table} WHERE chain_seq BETWEEN {first} AND {last}"
    )]
}

/// A row that nobody wrote, or one that somebody wrote once, a second time; without a number or with one, and then
/// the numbers behind it are moved, or not.
fn insert(rows: i64, rng: &mut StdRng) -> Vec<String> {
    let (number, of) = (rng.random_range(1..=rows), rng.random_range(1..=rows));
    let columns = "at, actor, session, unit_code, from_addr, method, resource, resource_id, version, action, reason, \
                   trace_id, writer, writer_seq";
    let forged = ["mac", "NULL", "(SELECT hash FROM audit_seal LIMIT 1)"][rng.random_range(0..3)];
    let place = [
        "NULL".to_owned(),
        number.to_string(),
        (rows + 1).to_string(),
    ][rng.random_range(0..3)]
    .clone();
    let mut texts = Vec::new();
    if place == number.to_string() && rng.random() {
        texts.push(format!(
            "UPDATE audit SET chain_seq = chain_seq + 1 WHERE chain_seq >= {number}"
        ));
    }
    texts.push(format!(
        "INSERT INTO audit ({columns}, mac, chain_seq) SELECT {columns}, {forged}, {place} FROM audit \
         WHERE writer_seq = {of}"
    ));
    texts
}

fn swap(rows: i64, rng: &mut StdRng) -> Vec<String> {
    let one = rng.random_range(1..=rows);
    let other = (one + rng.random_range(1..rows) - 1) % rows + 1;
    let places = |column: &str| {
        let of = |number| format!("(SELECT {column} FROM kept_audit WHERE chain_seq = {number})");
        format!(
            "CASE seq WHEN (SELECT seq FROM kept_audit WHERE chain_seq = {one}) THEN {} ELSE {} END",
            of(other),
            of(one)
        )
    };
    let pair =
        format!("WHERE seq IN (SELECT seq FROM kept_audit WHERE chain_seq IN ({one}, {other}))");
    if rng.random() {
        return vec![format!(
            "UPDATE audit SET chain_seq = {} {pair}",
            places("chain_seq")
        )];
    }
    // Everything that was written but the insertion ids.
    let columns = [
        "at",
        "version",
        "writer",
        "writer_seq",
        "mac",
        "actor",
        "session",
        "unit_code",
        "from_addr",
        "method",
        "resource",
        "resource_id",
        "action",
        "reason",
        "trace_id",
    ];
    let set: Vec<String> = columns
        .iter()
        .map(|column| format!("{column} = {}", places(column)))
        .collect();
    vec![format!("UPDATE audit SET {} {pair}", set.join(", "))]
}

fn truncate(rows: i64, rng: &mut StdRng) -> Vec<String> {
    let kept = rng.random_range(0..rows);
    let boundary = if rng.random() {
        format!(
            "(SELECT COALESCE(MAX(chain_seq), 0) FROM kept_audit_seal WHERE chain_seq <= {kept})"
        )
    } else {
        kept.to_string()
    };
    let cut = |table: &str| format!("DELETE FROM {table} WHERE chain_seq > {boundary}");
    if rng.random() {
        // The rows stay and lose their numbers.
        let texts = [
            format!("UPDATE audit SET chain_seq = NULL WHERE chain_seq > {boundary}"),
            cut("audit_seal"),
        ];
        return texts.to_vec();
    }
    vec![cut("audit"), cut("audit_seal")]
}

/// Changes or leaves out a row, then numbers, codes, chains and seals everything anew with a key of his own, or with
/// the codes that stand there.
async fn reseal(core: &Core, rows: i64, rng: &mut StdRng) -> String {
    let key = AuditKey::new(&[rng.random(); 32]);
    let victim = rng.random_range(1..=rows);
    let leaves_out = rng.random();
    let text = if leaves_out {
        format!("DELETE FROM audit WHERE chain_seq = {victim}")
    } else {
        format!("UPDATE audit SET actor = 'operator:wu' WHERE chain_seq = {victim}")
    };
    let recodes = rng.random();
    done(core, std::slice::from_ref(&text)).await.unwrap();
    if leaves_out {
        let moved =
            format!("UPDATE audit SET chain_seq = chain_seq - 1 WHERE chain_seq > {victim}");
        done(core, &[moved]).await.unwrap();
    }
    done(core, &["DELETE FROM audit_seal".to_owned()])
        .await
        .unwrap();
    let writer = core.db().writer();
    let asked = format!("SELECT {COLUMNS} FROM audit ORDER BY chain_seq");
    let found = writer
        .query_all_raw(sql(writer, asked, vec![]))
        .await
        .unwrap();
    let (mut hash, mut number) = (beginning(core.name()), 0);
    for row in &found {
        let row = Row::read(row).unwrap();
        number += 1;
        (_, hash) = row.link(&hash, number, core.name(), &key);
        if recodes {
            let forged = hex::encode(key.row(&row.content().encode(core.name())));
            let literal = match writer.get_database_backend() {
                DbBackend::Postgres => format!("'\\x{forged}'"),
                _ => format!("x'{forged}'"),
            };
            let text = format!("UPDATE audit SET mac = {literal} WHERE seq = {}", row.seq);
            does(core, &text).await.unwrap();
        }
    }
    if recodes {
        // The codes are in the links: once more with the new ones.
        let again = format!("SELECT {COLUMNS} FROM audit ORDER BY chain_seq");
        (hash, number) = (beginning(core.name()), 0);
        for row in writer
            .query_all_raw(sql(writer, again, vec![]))
            .await
            .unwrap()
        {
            number += 1;
            (_, hash) = Row::read(&row)
                .unwrap()
                .link(&hash, number, core.name(), &key);
        }
    }
    let seal = Seal::new(core.name(), &key, (1, number), hash, 1_760_000_000_000_000);
    let txn = core.db().begin_write().await.unwrap();
    seal.save(&txn).await.unwrap();
    txn.commit().await.unwrap();
    format!("{text}, recoded {recodes}")
}

/// An old copy; half of the time the city then goes on and seals what is new.
async fn replay(trail: &Trail, rng: &mut StdRng) -> String {
    put_back(&trail.core, "old").await;
    let goes_on: bool = rng.random();
    if goes_on {
        trail.writes(rng.random_range(1..90)).await;
        sealer::seal_all(&trail.core).await.unwrap();
    }
    format!("goes on: {goes_on}")
}
