//! A random walk of commands: whatever is done, nothing is lost and every history is whole.

use hotline_kernel::id::{AppealId, MatterId, TicketId};
use hotline_platform::ids::Ids;
use hotline_proto::shared::TicketState;

use super::city::{City, appeal_of, cities, command, everybodys};
use crate::app::register::Receipt;
use crate::app::triage::Decision;
use crate::domain::registration::NewMatter;
use crate::domain::terms::GuideReason;
use crate::error::IntakeError;

/// Steps of a walk.
const STEPS: u32 = 250;

#[tokio::test]
async fn sums_hold_and_versions_are_dense_after_a_random_walk() {
    for city in cities().await {
        for seed in [7, 11] {
            let mut walk = Walk {
                dice: Ids::seeded(seed, city.label),
                seed,
                ..Walk::default()
            };
            for step in 0..STEPS {
                walk.step(&city, step).await;
            }
            assert!(
                walk.done > STEPS / 3,
                "the walk went somewhere: {} steps, {}",
                walk.done,
                city.label
            );
        }
        let sums = city.assert_conserved().await;
        for state in [
            "registered",
            "accepted",
            "merged",
            "quarantined",
            "withdrawn",
            "answered",
            "guided",
        ] {
            assert!(
                sums.get(state).is_some_and(|count| *count > 0),
                "{} {state}: {sums:?}",
                city.label
            );
        }
        city.assert_versions_are_dense().await;
    }
}

struct Walk {
    dice: Ids,
    seed: u64,
    receipts: Vec<Receipt>,
    matters: Vec<(MatterId, TicketId)>,
    version: i64,
    done: u32,
}

impl Default for Walk {
    fn default() -> Self {
        let dice = Ids::seeded(0, "walk");
        Self {
            dice,
            seed: 0,
            receipts: Vec::new(),
            matters: Vec::new(),
            version: 0,
            done: 0,
        }
    }
}

impl Walk {
    async fn step(&mut self, city: &City, step: u32) {
        let outcome = match self.dice.draw(10) {
            0..=2 => self.register(city, step).await,
            3 | 4 => self.accept(city).await,
            5 => self.merge(city).await,
            6 => self.unmerge_or_split(city).await,
            7 => self.hear(city).await,
            _ => self.decide(city).await,
        };
        match outcome {
            Ok(()) => self.done += 1,
            // Refused by a rule, as the walk does not look where it goes; anything else is a fault.
            Err(refused) => assert!(
                !matches!(
                    refused,
                    IntakeError::Core(_) | IntakeError::Collision | IntakeError::Invalid(_)
                ),
                "{} {refused:?}",
                city.label
            ),
        }
    }

    fn some_receipt(&self) -> Option<Receipt> {
        let count = u32::try_from(self.receipts.len())
            .ok()
            .filter(|count| *count > 0)?;
        self.receipts.get(self.dice.draw(count) as usize).cloned()
    }

    fn some_matter(&self) -> Option<(MatterId, TicketId)> {
        let count = u32::try_from(self.matters.len())
            .ok()
            .filter(|count| *count > 0)?;
        self.matters.get(self.dice.draw(count) as usize).copied()
    }

    async fn register(&mut self, city: &City, step: u32) -> Result<(), IntakeError> {
        let phone = format!("1990000000{}", self.dice.draw(4));
        let text = format!("样例路{}号路灯不亮", self.dice.draw(12));
        let mut told = appeal_of(&phone, &format!("{}-{step}", self.seed), &text);
        if self.dice.draw(4) == 0 {
            told.matters = vec![
                NewMatter::default(),
                NewMatter {
                    text: "垃圾".to_owned(),
                    ..NewMatter::default()
                },
            ];
        }
        if self.dice.draw(6) == 0 {
            told.channel_code = "mailbox".to_owned();
        }
        let receipt = city.register(told).await?;
        self.know(city, receipt.appeal_id).await?;
        self.receipts.push(receipt);
        Ok(())
    }

    async fn know(&mut self, city: &City, appeal: AppealId) -> Result<(), IntakeError> {
        let view = city.intake.appeal(&everybodys(), appeal).await?;
        self.matters.extend(
            view.matters
                .iter()
                .map(|row| (row.matter.id, row.matter.reserved_ticket)),
        );
        Ok(())
    }

    async fn accept(&mut self, city: &City) -> Result<(), IntakeError> {
        let Some(receipt) = self.some_receipt() else {
            return Ok(());
        };
        city.decide(
            &receipt,
            Decision::Accept {
                corrections: Vec::new(),
            },
        )
        .await
        .map(drop)
    }

    async fn merge(&mut self, city: &City) -> Result<(), IntakeError> {
        let (Some((matter, _)), Some((_, ticket))) = (self.some_matter(), self.some_matter())
        else {
            return Ok(());
        };
        city.merge(matter, ticket).await
    }

    async fn unmerge_or_split(&mut self, city: &City) -> Result<(), IntakeError> {
        let (Some((matter, _)), Some(receipt)) = (self.some_matter(), self.some_receipt()) else {
            return Ok(());
        };
        if self.dice.draw(3) > 0 {
            return city
                .intake
                .unmerge(command(), matter, String::new())
                .await
                .map(drop);
        }
        let told = NewMatter {
            text: "另一件事".to_owned(),
            ..NewMatter::default()
        };
        city.intake
            .split(command(), receipt.appeal_id, told)
            .await?;
        self.know(city, receipt.appeal_id).await
    }

    async fn hear(&mut self, city: &City) -> Result<(), IntakeError> {
        let (Some((_, ticket)), Some((matter, _))) = (self.some_matter(), self.some_matter())
        else {
            return Ok(());
        };
        self.version += 1;
        let state = match self.dice.draw(4) {
            0 => TicketState::Concluded,
            1 => {
                let heard = city.hears_refusal(ticket, matter, self.version).await;
                heard.expect("heard");
                return Ok(());
            }
            _ => TicketState::Signed,
        };
        city.hears(ticket, state, self.version).await;
        Ok(())
    }

    async fn decide(&mut self, city: &City) -> Result<(), IntakeError> {
        let Some(receipt) = self.some_receipt() else {
            return Ok(());
        };
        let word = "理由".to_owned();
        let decision = match self.dice.draw(6) {
            0 => Decision::Answer { answer: word },
            1 => Decision::Guide {
                reason: GuideReason::Petition,
                legal_route: word,
                competent_body: String::new(),
                answer: String::new(),
            },
            2 => Decision::Divert {
                to: "12319".to_owned(),
            },
            3 => Decision::Quarantine { reason: word },
            4 => Decision::Release { reason: word },
            _ => Decision::Withdraw { reason: word },
        };
        city.decide(&receipt, decision).await.map(drop)
    }
}
