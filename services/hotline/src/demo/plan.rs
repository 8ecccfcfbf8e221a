//! What will happen in the sample city: who says what, when, where, and what becomes of it.
//!
//! The plan is drawn before anything runs, from one seed; the actors follow it.

use chrono::{Datelike, Duration, NaiveDate, Weekday};
use hotline_kernel::time::{Timestamp, Zone};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::draws::{draw_channel, draw_citizens, draw_time, matter};
use super::story::{Scene, Story, Template};

/// The plan's size and place in time.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// The same seed gives the same plan.
    pub seed: u64,
    /// The last day of the story.
    pub last_day: NaiveDate,
    /// How many days it takes.
    pub days: u32,
    /// How many appeals, spam and storm included.
    pub appeals: usize,
    /// The city's zone.
    pub zone: Zone,
}

/// An invented citizen with an undialable number.
#[derive(Clone, Debug)]
pub struct Citizen {
    /// Invented.
    pub name: String,
    /// Of the range 1990000xxxx, which nobody has.
    pub phone: String,
}

/// What an operator will do with an appeal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Triage {
    /// Accept it.
    Accept,
    /// Answer on the spot with this text.
    Answer(String),
    /// Guide: reason, legal route, competent body, text.
    Guide(String, String, String, String),
    /// Spam: quarantine first, guide as empty the next day.
    Spam,
}

/// How a citizen answers the follow-up of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Solved and content.
    Solved,
    /// Solved in part.
    Partly,
    /// Not solved, the unit's fault.
    Unsolved,
    /// Not solved, nobody's fault.
    PolicyLimit,
    /// Never answers the telephone.
    Unreached,
}

/// What becomes of a matter once it is on a ticket.
#[derive(Clone, Debug)]
pub struct Fate {
    /// The right category.
    pub category: String,
    /// Where it is.
    pub area: String,
    /// The unit's report.
    pub report: String,
    /// The citizen's reply.
    pub reply: String,
    /// Share of the unit's time it takes; over 1 is late.
    pub pace: f64,
    /// The first dispatch is returned whatever it is.
    pub disputed: bool,
    /// The centre sends the first handling report back.
    pub sent_back: bool,
    /// One answer a round; the last one stands for all further rounds.
    pub verdicts: Vec<Verdict>,
}

/// One thing asked.
#[derive(Clone, Debug)]
pub struct PlannedMatter {
    /// Filled in.
    pub subject: String,
    /// Filled in.
    pub text: String,
    /// consult, help, …
    pub kind: String,
    /// normal, urgent, critical.
    pub urgency: String,
    /// What the operator writes down: right, wrong, or empty.
    pub category: String,
    /// What the operator writes down: right or empty.
    pub area: String,
    /// What becomes of it.
    pub fate: Fate,
}

/// One appeal to come.
#[derive(Clone, Debug)]
pub struct PlannedAppeal {
    /// When it is said.
    pub at: Timestamp,
    /// Its channel.
    pub channel: &'static str,
    /// Index into [`Plan::citizens`]; `None` for the anonymous.
    pub citizen: Option<usize>,
    /// What it asks; one or two.
    pub matters: Vec<PlannedMatter>,
    /// What the operator will do.
    pub triage: Triage,
    /// An earlier appeal that an operator will recognise as the same matter.
    pub same_as: Option<usize>,
    /// The merge turns out to be a mistake and is undone.
    pub unmerged: bool,
    /// The citizen takes it back some days later.
    pub withdrawn: bool,
}

/// Everything to come, in order of time.
pub struct Plan {
    /// Who lives here.
    pub citizens: Vec<Citizen>,
    /// In order of time.
    pub appeals: Vec<PlannedAppeal>,
    /// First and last day.
    pub days: Vec<NaiveDate>,
}

/// One in so many appeals …
const SAME_MATTER_ONE_IN: u32 = 7;
const REPEATED_ONE_IN: u32 = 16;
const TWO_MATTERS_ONE_IN: u32 = 18;

impl Plan {
    /// Draws the plan of `frame`.
    pub fn draw(story: &Story, frame: Frame) -> Self {
        let mut random = StdRng::seed_from_u64(frame.seed);
        let first_day = frame.last_day - Duration::days(i64::from(frame.days) - 1);
        let days: Vec<NaiveDate> = first_day.iter_days().take(frame.days as usize).collect();
        let citizens = draw_citizens(story, frame.appeals / 2, &mut random);
        let mut plan = Self {
            citizens,
            appeals: Vec::new(),
            days,
        };
        let storm_day = plan.days[plan.days.len() * 4 / 5];
        let spam_day = plan.days[plan.days.len() * 2 / 3];
        plan.say_each(
            story,
            frame,
            storm_day,
            "storm",
            48.min(frame.appeals / 8),
            &mut random,
        );
        plan.say_each(
            story,
            frame,
            spam_day,
            "spam",
            24.min(frame.appeals / 8),
            &mut random,
        );
        while plan.appeals.len() < frame.appeals {
            let day = plan.days[random.random_range(0..plan.days.len())];
            let quiet = matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
                && random.random_range(0..3) > 0;
            if !quiet {
                plan.say_something(story, frame, day, &mut random);
            }
        }
        plan.in_order_of_time();
        plan
    }

    fn say_each(
        &mut self,
        story: &Story,
        frame: Frame,
        day: NaiveDate,
        group: &str,
        count: usize,
        random: &mut StdRng,
    ) {
        let templates = story.group(group);
        if templates.is_empty() {
            return;
        }
        for turn in 0..count {
            let template = templates[turn % templates.len()];
            let area = story.area(random);
            let scene = story.scene(&area, day, random);
            let appeal = self.appeal(frame, day, template, &area, &scene, random);
            self.appeals.push(appeal);
        }
    }

    fn say_something(&mut self, story: &Story, frame: Frame, day: NaiveDate, random: &mut StdRng) {
        let group = match random.random_range(0..100) {
            0..14 => "consult",
            14..20 => "guide",
            20..24 => "praise",
            _ => "normal",
        };
        let templates = story.group(group);
        if templates.is_empty() {
            return;
        }
        let template = templates[random.random_range(0..templates.len())];
        let area = story.area(random);
        let scene = story.scene(&area, day, random);
        let mut appeal = self.appeal(frame, day, template, &area, &scene, random);
        if group == "normal" && random.random_range(0..TWO_MATTERS_ONE_IN) == 0 {
            let second = templates[random.random_range(0..templates.len())];
            appeal.matters.push(matter(second, &scene, &area, random));
        }
        let original = self.appeals.len();
        self.appeals.push(appeal);
        if group == "normal" {
            self.echo(story, frame, original, template, &scene, random);
        }
    }

    /// Lets the same matter be said again: by the same citizen elsewhere, or by a neighbour.
    fn echo(
        &mut self,
        story: &Story,
        frame: Frame,
        original: usize,
        template: &Template,
        scene: &Scene,
        random: &mut StdRng,
    ) {
        let said = self.appeals[original].clone();
        let later = said.at + Duration::minutes(random.random_range(40..3 * 24 * 60));
        if frame.zone.day(later) > frame.last_day {
            return;
        }
        if random.random_range(0..REPEATED_ONE_IN) == 0 && said.citizen.is_some() {
            let channel = draw_channel(random);
            self.appeals.push(PlannedAppeal {
                at: later,
                channel,
                withdrawn: false,
                ..said
            });
        } else if random.random_range(0..SAME_MATTER_ONE_IN) == 0 && said.matters.len() == 1 {
            let variant = story.variant(template, random);
            let area = said.matters[0].fate.area.clone();
            let mut neighbour =
                self.appeal(frame, frame.zone.day(later), variant, &area, scene, random);
            neighbour.at = later;
            neighbour.same_as = Some(original);
            neighbour.unmerged = random.random_range(0..12) == 0;
            self.appeals.push(neighbour);
        }
    }

    fn appeal(
        &self,
        frame: Frame,
        day: NaiveDate,
        template: &Template,
        area: &str,
        scene: &Scene,
        random: &mut StdRng,
    ) -> PlannedAppeal {
        let anonymous = random.random_range(0..25) == 0 || template.group == "spam";
        let answer = scene.fill(&template.reply);
        let triage = match template.group.as_str() {
            "consult" => Triage::Answer(answer),
            "guide" => Triage::Guide(
                template.guide_reason.clone(),
                template.legal_route.clone(),
                template.competent_body.clone(),
                answer,
            ),
            "spam" => Triage::Spam,
            _ => Triage::Accept,
        };
        PlannedAppeal {
            at: draw_time(frame.zone, day, &template.group, random),
            channel: if template.group == "spam" {
                "portal_complaint"
            } else {
                draw_channel(random)
            },
            citizen: (!anonymous).then(|| random.random_range(0..self.citizens.len())),
            matters: vec![matter(template, scene, area, random)],
            triage,
            same_as: None,
            unmerged: false,
            withdrawn: template.group == "normal" && random.random_range(0..70) == 0,
        }
    }

    /// Sorts by time and keeps `same_as` pointing at the right appeal.
    fn in_order_of_time(&mut self) {
        let mut order: Vec<usize> = (0..self.appeals.len()).collect();
        order.sort_by_key(|&index| (self.appeals[index].at, index));
        let mut place = vec![0; order.len()];
        for (position, &index) in order.iter().enumerate() {
            place[index] = position;
        }
        let mut sorted: Vec<PlannedAppeal> = order
            .iter()
            .map(|&index| self.appeals[index].clone())
            .collect();
        for appeal in &mut sorted {
            appeal.same_as = appeal.same_as.map(|index| place[index]);
        }
        self.appeals = sorted;
    }
}
