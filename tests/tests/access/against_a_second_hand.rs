//! The decision against a second one, written from the design by asking of each thing that can be done who does it.
//! Neither knows the other's table.

use hotline_kernel::time::from_micros;
use hotline_platform::access::{Role, Rows, decide};
use hotline_platform::grpc::Principal;
use hotline_proto::access::Rule;
use hotline_proto::shared::Permission;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

const REQUESTS: usize = 100_000;
const SEED: u64 = 20_261_123;
/// The instant of all requests, in microseconds.
const NOW_MICROS: i64 = 1_780_000_000_000_000;

/// Rows, as the second hand says them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    Nobodys,
    OwnUnits,
    OwnTrees,
    Everybodys,
}

/// Personal data, as the numbers of the proto: 1 none, 2 masked, 3 clear.
type Level = i32;

/// Who works in the centre and looks at tickets all day.
fn looks_at_tickets(role: &str) -> bool {
    let desks = ["operator", "dispatcher", "shift_supervisor"];
    let afterwards = ["follow_up_agent", "quality_inspector", "knowledge_editor"];
    let office = ["reviewer", "leader", "secretary"];
    [&desks[..], &afterwards, &office].concat().contains(&role)
}

fn works_in_a_unit(role: &str) -> bool {
    role == "unit_clerk" || role == "unit_lead" || role == "duty_officer"
}

/// How far a role goes in doing a thing, and with how much personal data; `None` if it does not do it.
fn does(role: &str, thing: i32) -> Option<(Seen, Level)> {
    let is = |roles: &[&str]| roles.contains(&role);
    let everybodys = |level: Level, does: bool| does.then_some((Seen::Everybodys, level));
    match thing {
        // Recording what citizens say: who talks with them, and the channels' programs. Clear, it comes from them.
        1 => everybodys(3, is(&["operator", "shift_supervisor", "channel"])),
        // Appeals are the centre's: desks, those who call back, and the office's reviewer.
        2 => everybodys(
            2,
            looks_at_tickets(role) && !is(&["knowledge_editor", "leader", "secretary"]),
        ),
        // Triage and merging are desk work.
        3 | 4 => everybodys(2, is(&["operator", "dispatcher", "shift_supervisor"])),
        // How far is it: with number and code, so no rows.
        5 => is(&["operator", "shift_supervisor", "channel", "citizen"])
            .then_some((Seen::Nobodys, 1)),
        // Administration imports, and sees refused rows as they came.
        6 => everybodys(3, is(&["administrator"])),
        // Units, categories, channels: everybody who chooses from them.
        8 => everybodys(
            1,
            works_in_a_unit(role)
                || looks_at_tickets(role) && !is(&["follow_up_agent", "leader", "secretary"])
                || is(&["analyst", "administrator"]),
        ),
        9 => everybodys(1, is(&["administrator"])),
        10 if works_in_a_unit(role) => Some((Seen::OwnTrees, 2)),
        // Replies are read by whoever looks at tickets, in the centre.
        10 | 15 => everybodys(2, looks_at_tickets(role)),
        11 | 13 => everybodys(2, is(&["dispatcher", "shift_supervisor"])),
        // Handling is the units' own, where they lead.
        12 => works_in_a_unit(role).then_some((Seen::OwnUnits, 2)),
        // Review: the centre's dispatchers, their supervisor, and the office that reviews.
        14 => everybodys(2, is(&["dispatcher", "shift_supervisor", "reviewer"])),
        // Asking afterwards. Why it failed is judged by another than him who asked.
        16 => everybodys(
            2,
            is(&["follow_up_agent", "quality_inspector", "shift_supervisor"]),
        ),
        22 => everybodys(2, is(&["quality_inspector", "shift_supervisor"])),
        // Documents hold masked texts; sums hold none.
        17 if is(&["analyst", "shift_supervisor"]) => Some((Seen::Everybodys, 1)),
        17 => everybodys(2, is(&["reviewer", "leader", "secretary"])),
        18 => everybodys(2, is(&["reviewer"])),
        19 => everybodys(2, is(&["leader", "secretary"])),
        21 => everybodys(2, is(&["operator", "shift_supervisor"])),
        23 => everybodys(
            1,
            is(&["shift_supervisor", "reviewer", "analyst", "administrator"]),
        ),
        24 => everybodys(
            1,
            is(&[
                "dispatcher",
                "shift_supervisor",
                "reviewer",
                "administrator",
            ]),
        ),
        // What everybody did is for the auditor.
        30 => everybodys(2, is(&["auditor"])),
        // Whoever is staff looks after his own account; accounts, roles and keys are one office's.
        40 => (!is(&["channel", "citizen"])).then_some((Seen::Nobodys, 1)),
        41..=44 => everybodys(1, is(&["security_administrator"])),
        // Talking with citizens takes their numbers: the desks that do, and the unit that handles it, not its duty officer.
        50 if is(&["unit_clerk", "unit_lead"]) => Some((Seen::OwnUnits, 3)),
        50 => everybodys(3, is(&["operator", "shift_supervisor", "follow_up_agent"])),
        // Who is behind a tip-off: the same desks ask, and who answers for others agrees.
        51 => everybodys(2, is(&["operator", "shift_supervisor", "follow_up_agent"])),
        52 => everybodys(2, is(&["leader", "shift_supervisor"])),
        53 => everybodys(2, is(&["auditor", "shift_supervisor"])),
        // Forgetting a citizen: the centre's supervisor asks, another one or a leader approves.
        35 => everybodys(2, is(&["shift_supervisor"])),
        36 => everybodys(2, is(&["shift_supervisor", "leader"])),
        // Nobody reads contacts (7), nobody hears the log (20): services do, on their own behalf.
        _ => None,
    }
}

/// Contractors record and answer; what they see while they do it, they may read.
fn is_left_to_contractors(thing: i32) -> bool {
    let (records, answers) = ([1], [21]);
    let reads_on_the_way = [2, 5, 8, 10, 15];
    let looks_after_himself = [40];
    [
        &records[..],
        &answers,
        &reads_on_the_way,
        &looks_after_himself,
    ]
    .concat()
    .contains(&thing)
}

/// Whether a second factor was given in the last five minutes, by clocks that may differ by one.
fn proved_himself_lately(principal: &Principal) -> bool {
    let Some(given) = principal.stepped_up_at else {
        return false;
    };
    let seconds_ago = (NOW_MICROS - given).div_euclid(1_000_000);
    let whole = (NOW_MICROS - given).rem_euclid(1_000_000) == 0;
    seconds_ago >= -60 && (seconds_ago < 300 || seconds_ago == 300 && whole)
}

/// Whether the key that he came by, if any, is for the thing.
fn has_a_key_for(principal: &Principal, thing: i32) -> bool {
    let things = &principal.permissions;
    things.is_empty() || things.iter().any(|given| *given as i32 == thing)
}

/// What the second hand allows: the rows, or nothing at all.
fn second_hand(principal: &Principal, rule: &Rule) -> Option<Seen> {
    if let Some(service) = principal.service() {
        let is_named = rule.service_callers.contains(&service);
        return is_named.then_some(Seen::Everybodys);
    }
    let lacks_proof = rule.step_up && !proved_himself_lately(principal);
    if rule.anonymous && !lacks_proof {
        return Some(Seen::Nobodys);
    }
    if lacks_proof || !has_a_key_for(principal, rule.permission) {
        return None;
    }
    let roles: Vec<&str> = principal.roles.iter().map(|role| role.word()).collect();
    let lonely = ["administrator", "security_administrator", "auditor"];
    for word in lonely {
        if roles.contains(&word) && roles.iter().any(|other| *other != word) {
            return None;
        }
    }
    let belongs = !principal.unit_code.is_empty();
    if roles.iter().any(|role| works_in_a_unit(role) != belongs) {
        return None;
    }
    if principal.outsourced && !is_left_to_contractors(rule.permission) {
        return None;
    }
    let reached = roles.iter().filter_map(|role| {
        let (seen, level) = does(role, rule.permission)?;
        if level < rule.pii {
            return None;
        }
        match (rule.scope, seen) {
            (1, _) => Some(Seen::Nobodys),
            (2..=6, Seen::Everybodys) => Some(Seen::Everybodys),
            (4 | 5, Seen::Nobodys) => None,
            (4, _) => Some(Seen::OwnUnits),
            (5, seen) => Some(seen),
            _ => None,
        }
    });
    reached.max()
}

fn somebody(random: &mut StdRng) -> Principal {
    if random.random_ratio(1, 20) {
        let names = ["intake", "routing", "feedback", "reporting", "gateway"];
        return Principal::of_service(names.choose(random).expect("names"));
    }
    let count = [0, 1, 1, 1, 1, 2, 2, 3].choose(random).expect("counts");
    let mut roles: Vec<Role> = Role::ALL.choose_multiple(random, *count).copied().collect();
    if random.random_ratio(1, 10) {
        roles.extend(roles.first().copied());
    }
    let is_of_a_unit = roles.iter().any(|role| role.is_of_a_unit());
    // Mostly as it should be, at times not.
    let has_unit = is_of_a_unit != random.random_ratio(1, 10);
    let unit = if has_unit { "MID" } else { "" };
    let mut principal = Principal::with_roles("somebody", roles).of_unit(unit);
    if random.random_ratio(1, 2) {
        let edges = [
            -61_000_000,
            -60_000_000,
            -59_999_999,
            299_999_999,
            300_000_000,
            300_000_001,
        ];
        let ago = if random.random_ratio(1, 2) {
            *edges.choose(random).expect("edges")
        } else {
            random.random_range(-600_000_000..600_000_000)
        };
        principal.stepped_up_at = Some(NOW_MICROS - ago);
    }
    if random.random_ratio(1, 4) {
        let things = (0..random.random_range(1..12)).map(|_| random.random_range(1..=24));
        let things = things.filter_map(|thing| Permission::try_from(thing).ok());
        principal.permissions = things.collect();
    }
    if random.random_ratio(1, 4) {
        return principal.outsourced();
    }
    principal
}

fn something(random: &mut StdRng) -> Rule {
    const CALLERS: [&[&str]; 3] = [&[], &["feedback"], &["intake", "routing", "reporting"]];
    Rule {
        permission: random.random_range(-1..=26),
        scope: random.random_range(0..=7),
        pii: random.random_range(1..=3),
        priority: 1,
        deadline_ms: 1,
        max_request_kib: 1,
        reason_required: random.random_ratio(1, 30),
        two_person: random.random_ratio(1, 30),
        step_up: random.random_ratio(1, 5),
        idempotent: random.random(),
        anonymous: random.random_ratio(1, 30),
        service_callers: CALLERS.choose(random).expect("callers"),
    }
}

#[test]
fn two_hands_decide_alike() {
    let mut random = StdRng::seed_from_u64(SEED);
    let now = from_micros(NOW_MICROS).expect("an instant");
    let mut allowed = 0;
    for number in 0..REQUESTS {
        let (principal, rule) = (somebody(&mut random), something(&mut random));
        let first = decide(&principal, &rule, now).map(|scope| match scope.rows() {
            Rows::All => Seen::Everybodys,
            Rows::Below(unit) => {
                assert_eq!(unit, principal.unit_code);
                Seen::OwnTrees
            }
            Rows::Of(unit) => {
                assert_eq!(unit, principal.unit_code);
                Seen::OwnUnits
            }
            Rows::None => Seen::Nobodys,
        });
        let second = second_hand(&principal, &rule);
        assert_eq!(
            first.ok(),
            second,
            "{number}: {principal:?} {rule:?}: {first:?}"
        );
        allowed += usize::from(second.is_some());
    }
    // Denying everything would agree too.
    assert!(allowed > REQUESTS / 20, "{allowed} were allowed");
}
