//! Intake's and routing's logs have no common order; whatever order they are heard in, the end is
//! the same.

use std::collections::BTreeMap;

use hotline_platform::testing;
use hotline_proto::event::{AppealChange, MatterMove, TicketChange};
use hotline_proto::shared::TicketState;
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::told::{
    self, Told, a_matter, appeal_changed, channels_loaded, concluded, ticket_changed,
};
use super::{Bench, benches, follow_up_facts, reply_facts};
use crate::events::Hearing;

/// How many orders are tried on each arrangement.
const ORDERS: u64 = 48;
/// Each order tells its story with numbers of its own, this far apart.
const APART: u64 = 1000;

/// One story of five citizens, per producer and stream in the order it was told.
///
/// The second and fourth are merged into the first's ticket and stay; the third is merged and comes
/// back after the conclusion; the fifth withdraws while his ticket is being concluded. The fourth
/// left no contact, but his channel shows answers in public.
fn story(base: u64) -> Vec<Told> {
    let [one, two, three, four, five] = [1, 2, 3, 4, 5].map(|number| base + number);
    let (second, third, fifth) = (
        a_matter(two),
        a_matter(three).on_channel("web"),
        a_matter(five),
    );
    let fourth = a_matter(four).on_channel("board").without_contact();
    let mut told = vec![
        a_matter(one).opened(),
        second.opened(),
        third.opened(),
        fourth.opened(),
    ];
    told.push(fifth.opened());
    for merged in [&second, &third, &fourth] {
        told.extend(merged.merged_into(one));
    }
    told.push(ticket_changed(
        one,
        1,
        TicketState::Dispatched,
        TicketChange::Opened,
    ));
    for own in [two, three, four] {
        told.push(ticket_changed(
            own,
            3,
            TicketState::Absorbed,
            TicketChange::Absorbed,
        ));
    }
    told.push(concluded(one, 9, 1, &[one, two, three, four]));
    told.extend(third.unmerged_from(one));
    told.push(ticket_changed(
        one,
        10,
        TicketState::Concluded,
        TicketChange::MatterDetached,
    ));
    told.push(ticket_changed(
        three,
        4,
        TicketState::AwaitingDispatch,
        TicketChange::Reopened,
    ));
    told.push(concluded(three, 9, 1, &[three]));
    told.push(concluded(five, 5, 1, &[five]));
    told.push(fifth.detached(2, five, None, MatterMove::Withdrawn));
    told.push(ticket_changed(
        five,
        6,
        TicketState::Archived,
        TicketChange::Archived,
    ));
    told.push(appeal_changed(
        base + 6,
        AppealChange::Answered,
        "可在窗口办理",
    ));
    told
}

/// Merges the streams of a story in the order that `choices` say; each stream keeps its own.
fn interleaved(story: Vec<Told>, choices: &[u32]) -> Vec<Told> {
    let mut streams: BTreeMap<(String, String), Vec<Told>> = BTreeMap::new();
    for told in story.into_iter().rev() {
        let stream = (
            told.envelope.producer.clone(),
            told.envelope.stream_id.clone(),
        );
        streams.entry(stream).or_default().push(told);
    }
    let mut streams: Vec<Vec<Told>> = streams.into_values().collect();
    let mut order = Vec::new();
    for choice in choices {
        streams.retain(|stream| !stream.is_empty());
        let chosen = usize::try_from(*choice).unwrap() % streams.len().max(1);
        order.extend(streams.get_mut(chosen).and_then(Vec::pop));
    }
    order
}

async fn assert_ends_the_same(bench: &Bench, base: u64, label: &str) {
    let text = "第1轮:已办理,请致电19900000001联系王小明";
    let in_story = |number: u64| number > base && number < base + APART;
    let mut replies = bench.replies().await;
    replies.retain(|reply| in_story(told::number(reply.appeal_id.uuid())));
    let facts: Vec<_> = reply_facts(&replies)
        .into_iter()
        .map(|(matter, ticket, channel, state, text)| {
            (
                matter.saturating_sub(base),
                ticket.saturating_sub(base),
                channel,
                state,
                text,
            )
        })
        .collect();
    let reply = |matter, ticket, channel: &str, text: &str| {
        (
            matter,
            ticket,
            channel.to_owned(),
            "queued",
            text.to_owned(),
        )
    };
    let expected = [
        reply(0, 0, "tel", "可在窗口办理"),
        reply(1, 1, "tel", text),
        reply(2, 1, "tel", text),
        reply(3, 1, "web", text),
        reply(3, 3, "web", text),
        reply(4, 1, "board", text),
        reply(5, 5, "tel", text),
    ];
    assert_eq!(facts, expected, "{label}");

    let mut follow_ups = bench.follow_ups().await;
    follow_ups.retain(|follow_up| in_story(told::number(follow_up.ticket_id.uuid())));
    let facts: Vec<_> = follow_up_facts(&follow_ups)
        .into_iter()
        .map(|(matter, ticket, round, state)| (matter - base, ticket - base, round, state))
        .collect();
    let expected = [
        (1, 1, 1, "open"),
        (2, 1, 1, "open"),
        (3, 1, 1, "cancelled"),
        (3, 3, 1, "open"),
        (4, 1, 1, "unreachable"),
        (5, 5, 1, "cancelled"),
    ];
    assert_eq!(facts, expected, "{label}");
}

#[tokio::test]
async fn every_order_of_the_logs_ends_the_same() {
    for bench in benches().await {
        let mut runner = TestRunner::deterministic();
        bench.hears([channels_loaded(1, &[("board", "yes")])]).await;
        for order in 0..ORDERS {
            let base = order * APART;
            let told = story(base);
            let choices = vec(any::<u32>(), told.len())
                .new_tree(&mut runner)
                .unwrap()
                .current();
            let interleaved = interleaved(told, &choices);
            assert_eq!(interleaved.len(), choices.len());
            for told in &interleaved {
                testing::react(&bench.core, &Hearing, &told.envelope, &told.body)
                    .await
                    .unwrap();
            }
            assert_ends_the_same(&bench, base, &format!("{} order {choices:?}", bench.label)).await;
        }
        assert!(
            bench.verdicts().await.is_empty(),
            "{}: somebody is always left",
            bench.label
        );
    }
}

#[tokio::test]
async fn the_registry_may_come_first_or_last() {
    for (label, is_first) in [("first", true), ("last", false)] {
        for bench in benches().await {
            let loaded = channels_loaded(1, &[("board", "yes")]);
            let mut told = story(0);
            let position = if is_first { 0 } else { told.len() };
            told.insert(position, loaded);
            bench.hears(told).await;
            assert_ends_the_same(&bench, 0, &format!("{} registry {label}", bench.label)).await;
        }
    }
}

/// On PostgreSQL the two logs are read at the same time; neither may miss what the other writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_logs_read_at_the_same_moment_miss_nothing() {
    for bench in benches().await {
        for number in 1..=20 {
            let (opened, concluded) = (
                a_matter(number).opened(),
                concluded(number, 9, 1, &[number]),
            );
            tokio::join!(bench.hears([opened]), bench.hears([concluded]));
        }
        assert_eq!(bench.replies().await.len(), 20, "{}", bench.label);
        assert_eq!(bench.follow_ups().await.len(), 20, "{}", bench.label);
    }
}
