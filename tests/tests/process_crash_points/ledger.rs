//! What the client knows: every registration it sent, and the receipt it got.

use hotline_proto::intake::{
    Contact, GetAppealRequest, Receipt, RegisterAppealRequest, get_appeal_request,
};
use hotline_proto::shared::Kind;
use hotline_tests::principal::by;

use crate::server::{Gone, Server};

/// The registrations of one client, in the order of their first sending.
#[derive(Default)]
pub struct Ledger {
    entries: Vec<Entry>,
    /// Entries before this one were looked for since they were acknowledged, in a later life.
    verified: usize,
}

struct Entry {
    request: RegisterAppealRequest,
    receipt: Option<Receipt>,
}

impl Ledger {
    /// Appeals that the city must hold: one per key.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The city's day of the first receipt, by its number.
    pub fn first_day(&self) -> String {
        let first = self.entries.iter().find_map(|entry| entry.receipt.as_ref());
        let number = &first.expect("a receipt").number;
        format!("20{}-{}-{}", &number[..2], &number[2..4], &number[4..6])
    }

    /// Notes what will be sent; returns its place.
    pub fn intend(&mut self, said: &str) -> usize {
        let number = self.entries.len();
        let request = RegisterAppealRequest {
            idempotency_key: format!("crash-{number}"),
            channel_code: "tel".to_owned(),
            contact: Some(Contact {
                phone: format!("199{number:08}"),
                ..Contact::default()
            }),
            subject: said.to_owned(),
            text: format!("{said}，第{number}次来电，请派人维修。"),
            kind: Kind::Complaint.into(),
            ..RegisterAppealRequest::default()
        };
        self.entries.push(Entry {
            request,
            receipt: None,
        });
        number
    }

    /// The receipt of an entry; sent, or sent again with the same key, if there is none.
    pub async fn receipt(&mut self, server: &mut Server, number: usize) -> Result<Receipt, Gone> {
        if let Some(receipt) = &self.entries[number].receipt {
            return Ok(receipt.clone());
        }
        let receipt = send(server, self.entries[number].request.clone()).await?;
        self.entries[number].receipt = Some(receipt.clone());
        Ok(receipt)
    }

    /// Sends several at once, so that they share a transaction.
    pub async fn together(&mut self, server: &mut Server, numbers: &[usize]) -> Result<(), Gone> {
        let sending = numbers.iter().map(|&number| {
            let (mut intake, request) = (server.intake(), self.entries[number].request.clone());
            async move {
                (
                    number,
                    intake.register_appeal(by("channel", "tel", request)).await,
                )
            }
        });
        let answers = futures::future::join_all(sending).await;
        let mut cut = None;
        for (number, answer) in answers {
            match answer {
                Ok(answer) => self.entries[number].receipt = answer.into_inner().receipt,
                Err(status) => cut = Some(status),
            }
        }
        match cut {
            None => Ok(()),
            Some(status) => server.said::<()>(Err(status)).await,
        }
    }

    /// What is not acknowledged is sent again with its old key.
    pub async fn repeats(&mut self, server: &mut Server) -> Result<(), Gone> {
        for number in 0..self.entries.len() {
            self.receipt(server, number).await?;
        }
        Ok(())
    }

    /// Every receipt acknowledged in an earlier life is found by its number.
    pub async fn is_found(&mut self, server: &mut Server) -> Result<(), Gone> {
        let acknowledged = self
            .entries
            .iter()
            .filter_map(|entry| entry.receipt.clone());
        let unverified: Vec<Receipt> = acknowledged.skip(self.verified).collect();
        for receipt in &unverified {
            let asked = Some(get_appeal_request::By::Number(receipt.number.clone()));
            let answer = server
                .intake()
                .get_appeal(by("operator", "li", GetAppealRequest { by: asked }))
                .await;
            let appeal = server.said(answer).await?.appeal.expect("an appeal");
            let found = appeal.appeal.expect("a view has its appeal").id;
            assert_eq!(found, receipt.appeal_id, "number {}", receipt.number);
        }
        self.verified += unverified.len();
        Ok(())
    }

    /// Every key sent once more gives the receipt it gave.
    pub async fn is_kept(&self, server: &mut Server) -> Result<(), Gone> {
        for entry in &self.entries {
            let again = send(server, entry.request.clone()).await?;
            assert_eq!(
                Some(&again),
                entry.receipt.as_ref(),
                "key {}",
                entry.request.idempotency_key
            );
        }
        Ok(())
    }
}

async fn send(server: &mut Server, request: RegisterAppealRequest) -> Result<Receipt, Gone> {
    let answer = server
        .intake()
        .register_appeal(by("channel", "tel", request))
        .await;
    Ok(server.said(answer).await?.receipt.expect("a receipt"))
}
