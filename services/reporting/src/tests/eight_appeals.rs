//! A hand-made March: eight appeals and what became of them.

use hotline_kernel::time::Timestamp;
use hotline_proto::event as pb;
use hotline_proto::shared;

use super::story::{Said, Story, march, wire};

/// Opens the ticket of an accepted appeal and dispatches it.
fn opened(story: &mut Story, said: &Said, unit: &str, due: Timestamp, category: &str) {
    story.appeal(said, 1, shared::AppealState::Registered, said.at);
    story.appeal(said, 2, shared::AppealState::Accepted, said.at);
    story.attached(said, 1, said.n, pb::MatterMove::Opened, said.at);
    story.ticket(said.n, said.at, pb::TicketChange::Opened, |ticket| {
        ticket.number = format!("2603{:02}-TTTT{}-K", said.n, said.n);
        ticket.state = shared::TicketState::AwaitingDispatch.into();
        ticket.nature = said.nature.into();
        ticket.kind = said.kind.into();
        ticket.channel_code = said.channel.to_owned();
        ticket.text = format!("第{}件：小区路灯不亮，请尽快修理", said.n);
        ticket.received_at = Some(wire(said.at));
        ticket.round = 1;
    });
    dispatched(story, said.n, said.at, unit, due, category);
}

fn dispatched(
    story: &mut Story,
    n: u128,
    at: Timestamp,
    unit: &str,
    due: Timestamp,
    category: &str,
) {
    story.ticket(n, at, pb::TicketChange::Dispatched, |ticket| {
        ticket.state = shared::TicketState::Dispatched.into();
        ticket.lead_unit_code = unit.to_owned();
        ticket.category_code = category.to_owned();
        ticket.unit_due_at = Some(wire(due));
        ticket.sign_due_at = Some(wire(at + chrono::Duration::hours(24)));
        ticket.signed_at = None;
    });
}

fn signed(story: &mut Story, n: u128, at: Timestamp) {
    story.ticket(n, at, pb::TicketChange::Signed, |ticket| {
        ticket.state = shared::TicketState::Signed.into();
        ticket.signed_at = Some(wire(at));
    });
}

fn concluded(story: &mut Story, n: u128, at: Timestamp) {
    story.ticket(n, at, pb::TicketChange::Concluded, |ticket| {
        ticket.state = shared::TicketState::Concluded.into();
        ticket.concluded_at = Some(wire(at));
        ticket.reply = "已更换路灯12盏。".to_owned();
    });
}

fn answered(story: &mut Story, n: u128, opened: Timestamp, at: Timestamp, solved: shared::Solved) {
    story.follow_up(n, 1, opened, |follow_up| {
        follow_up.opened_at = Some(wire(opened));
    });
    story.follow_up(n, 2, at, |follow_up| {
        follow_up.opened_at = Some(wire(opened));
        follow_up.closed_at = Some(wire(at));
        follow_up.state = pb::FollowUpState::Closed.into();
        follow_up.solved = solved.into();
        follow_up.satisfaction = match solved {
            shared::Solved::Solved => shared::Satisfaction::VerySatisfied.into(),
            _ => shared::Satisfaction::Unsatisfied.into(),
        };
    });
}

fn said(n: u128, channel: &'static str, kind: shared::Kind, at: Timestamp) -> Said {
    Said {
        n,
        channel,
        kind,
        at,
        nature: shared::Nature::New,
    }
}

/// The whole story, in the order of its instants.
pub fn story() -> Story {
    let mut story = Story::default();
    registries(&mut story);
    // 1: the mayor's mailbox; concluded in time, solved.
    let first = said(1, "mayor_mailbox", shared::Kind::Complaint, march(2, 9));
    opened(&mut story, &first, "HOUSING", march(10, 0), "0101");
    signed(&mut story, 1, march(2, 11));
    concluded(&mut story, 1, march(5, 15));
    story.reply(1, march(5, 15));
    answered(
        &mut story,
        1,
        march(5, 15),
        march(6, 10),
        shared::Solved::Solved,
    );
    story.ticket(1, march(6, 10), pb::TicketChange::Archived, |ticket| {
        ticket.state = shared::TicketState::Archived.into();
    });
    // 2: answered on the spot. 5: guided elsewhere.
    for (n, state) in [
        (2, shared::AppealState::Answered),
        (5, shared::AppealState::Guided),
    ] {
        let appeal = said(n, "tel12345", shared::Kind::Consult, march(3, 9));
        story.appeal(&appeal, 1, shared::AppealState::Registered, appeal.at);
        story.appeal(&appeal, 2, state, march(3, 10));
    }
    // 3: returned by traffic, then housing holds it past its deadline.
    let third = said(3, "wechat", shared::Kind::Help, march(4, 9));
    opened(&mut story, &third, "TRAFFIC", march(13, 0), "0301");
    story.ticket(3, march(4, 14), pb::TicketChange::ReturnAsked, |ticket| {
        ticket.state = shared::TicketState::ReturnReview.into();
        ticket.return_reason = shared::ReturnReason::NotDuty.into();
        ticket.returns = 1;
    });
    story.ticket(3, march(5, 9), pb::TicketChange::ReturnGranted, |ticket| {
        ticket.state = shared::TicketState::AwaitingDispatch.into();
        ticket.lead_unit_code = String::new();
    });
    dispatched(&mut story, 3, march(5, 10), "HOUSING", march(14, 0), "0101");
    signed(&mut story, 3, march(5, 11));
    // 4: the same again, merged onto 3.
    let fourth = said(4, "tel12345", shared::Kind::Help, march(4, 16));
    opened(&mut story, &fourth, "TRAFFIC", march(16, 0), "0301");
    story.detached(&fourth, 2, 4, 3, march(6, 9));
    story.attached(&fourth, 3, 3, pb::MatterMove::Merged, march(6, 9));
    story.ticket(3, march(6, 9), pb::TicketChange::MatterAttached, |_| {});
    story.ticket(4, march(6, 9), pb::TicketChange::Absorbed, |ticket| {
        ticket.state = shared::TicketState::Absorbed.into();
    });
    the_rest(&mut story);
    story
}

fn the_rest(story: &mut Story) {
    // 6: a historical import.
    let old = Said {
        nature: shared::Nature::Historical,
        ..said(6, "people_board", shared::Kind::Suggest, march(7, 9))
    };
    story.appeal(&old, 1, shared::AppealState::Accepted, march(20, 9));
    story.attached(&old, 1, 6, pb::MatterMove::Opened, march(20, 9));
    story.ticket(6, march(20, 9), pb::TicketChange::Opened, |ticket| {
        ticket.number = "260307-TTTT6-K".to_owned();
        ticket.state = shared::TicketState::Archived.into();
        ticket.nature = shared::Nature::Historical.into();
        ticket.received_at = Some(wire(old.at));
    });
    // 7: urgent, nobody signs for it.
    let urgent = said(7, "tel12345", shared::Kind::Report, march(30, 8));
    opened(story, &urgent, "TRAFFIC", march(31, 8), "0301");
    story.ticket(7, march(31, 9), pb::TicketChange::Supervised, |ticket| {
        ticket.urgency = shared::Urgency::Urgent.into();
        ticket.supervision_orders = 1;
    });
    // 8: concluded, not solved, reworked, held.
    let eighth = said(8, "app", shared::Kind::Complaint, march(9, 9));
    opened(story, &eighth, "HOUSING", march(20, 0), "0101");
    signed(story, 8, march(9, 10));
    concluded(story, 8, march(21, 9));
    story.reply(8, march(21, 9));
    answered(
        story,
        8,
        march(21, 9),
        march(22, 9),
        shared::Solved::Unsolved,
    );
    story.ticket(8, march(22, 9), pb::TicketChange::Reworked, |ticket| {
        ticket.state = shared::TicketState::Dispatched.into();
        ticket.round = 2;
        ticket.unit_due_at = Some(wire(march(31, 0) + chrono::Duration::days(9)));
        ticket.concluded_at = None;
    });
}

fn registries(story: &mut Story) {
    let channels = [
        ("mayor_mailbox", "市长信箱", "", ""),
        ("tel12345", "12345电话", "", ""),
        ("wechat", "微信", "", ""),
        ("app", "移动客户端", "", ""),
        ("people_board", "人民网留言板", "", ""),
    ];
    story.registry("intake", 10, "channels", &channels);
    let units = [
        ("HOUSING", "市住建局", "", "市直部门"),
        ("TRAFFIC", "市交通局", "", "市直部门"),
    ];
    story.registry("routing", 11, "units", &units);
    let categories = [
        ("01", "城乡建设", "", ""),
        ("0101", "物业管理", "01", ""),
        ("03", "交通运输", "", ""),
        ("0301", "道路设施", "03", ""),
    ];
    story.registry("routing", 12, "categories", &categories);
}
