//! What can be seen of a city: tickets, replies, follow-ups, documents. Through gRPC only.

use hotline::services::Name;
use hotline_proto::event::{FollowUp, Reply, Ticket};
use hotline_proto::feedback::feedback_service_client::FeedbackServiceClient;
use hotline_proto::feedback::{FollowUpView, ListFollowUpsRequest, ListRepliesRequest};
use hotline_proto::intake::{
    AppealView, GetAppealRequest, QueryProgressRequest, QueryProgressResponse, get_appeal_request,
};
use hotline_proto::reporting::reporting_service_client::ReportingServiceClient;
use hotline_proto::reporting::{
    DocumentHead, Format, FoundTicket, RenderDocumentRequest, SearchTicketsRequest, Series,
};
use hotline_proto::routing::{
    CatalogueProposal, GetTicketHistoryRequest, GetTicketRequest, ListCatalogueProposalsRequest,
    ListTicketsRequest, TicketStep, TicketView, get_ticket_request,
};

use crate::city::City;
use crate::people::Said;
use crate::principal::{Door, by};

/// The largest page; no journey makes longer lists.
const PAGE: u32 = 200;

impl City {
    /// A ticket with its version.
    pub async fn ticket_view(&self, ticket_id: &str) -> TicketView {
        let by_id = Some(get_ticket_request::By::TicketId(ticket_id.to_owned()));
        let request = by("dispatcher", "sun", GetTicketRequest { by: by_id });
        let answer = self.said("get a ticket", self.routing().get_ticket(request).await);
        answer.ticket.expect("an answer has its ticket")
    }

    /// A ticket.
    pub async fn ticket(&self, ticket_id: &str) -> Ticket {
        self.ticket_view(ticket_id)
            .await
            .ticket
            .expect("a view has its ticket")
    }

    /// All open tickets.
    pub async fn open_tickets(&self) -> Vec<TicketView> {
        let request = ListTicketsRequest {
            page_size: PAGE,
            ..ListTicketsRequest::default()
        };
        let request = by("dispatcher", "sun", request);
        self.said("list tickets", self.routing().list_tickets(request).await)
            .tickets
    }

    /// Every step of a ticket.
    pub async fn history(&self, ticket_id: &str) -> Vec<TicketStep> {
        let request = GetTicketHistoryRequest {
            ticket_id: ticket_id.to_owned(),
            page_size: PAGE,
            ..GetTicketHistoryRequest::default()
        };
        let request = by("dispatcher", "sun", request);
        self.said(
            "get a history",
            self.routing().get_ticket_history(request).await,
        )
        .steps
    }

    /// Changes of the catalogue that consultations proposed.
    pub async fn catalogue_proposals(&self) -> Vec<CatalogueProposal> {
        let request = ListCatalogueProposalsRequest {
            page_size: PAGE,
            ..ListCatalogueProposalsRequest::default()
        };
        let request = by("dispatcher", "sun", request);
        self.said(
            "list proposals",
            self.routing().list_catalogue_proposals(request).await,
        )
        .proposals
    }

    /// An appeal with its matters.
    pub async fn appeal(&self, said: &Said) -> AppealView {
        let by_id = Some(get_appeal_request::By::AppealId(said.appeal_id.clone()));
        let request = by("operator", "li", GetAppealRequest { by: by_id });
        let answer = self.said("get an appeal", self.intake().get_appeal(request).await);
        answer.appeal.expect("an answer has its appeal")
    }

    /// What a citizen sees who knows number and query code.
    pub async fn progress(&self, said: &Said) -> QueryProgressResponse {
        let (number, query_code) = (said.number.clone(), said.query_code.clone());
        let request = by(
            "citizen",
            "anyone",
            QueryProgressRequest {
                number,
                query_code,
                ..QueryProgressRequest::default()
            },
        );
        self.said(
            "query progress",
            self.intake().query_progress(request).await,
        )
    }

    /// Every reply to a citizen's appeal, oldest first.
    pub async fn replies_to(&self, said: &Said) -> Vec<Reply> {
        let request = ListRepliesRequest {
            appeal_id: said.appeal_id.clone(),
            page_size: PAGE,
            ..ListRepliesRequest::default()
        };
        let answer = self
            .feedback()
            .list_replies(by("operator", "li", request))
            .await;
        let views = self.said("list replies", answer).replies;
        let mut replies: Vec<Reply> = views.into_iter().filter_map(|view| view.reply).collect();
        replies.sort_by_key(|reply| reply.replied_at.map(|at| (at.seconds, at.nanos)));
        replies
    }

    /// Every follow-up of a ticket, with versions, by round.
    pub async fn follow_up_views(&self, ticket_id: &str) -> Vec<FollowUpView> {
        let request = ListFollowUpsRequest {
            ticket_id: ticket_id.to_owned(),
            page_size: PAGE,
            ..ListFollowUpsRequest::default()
        };
        let answer = self
            .feedback()
            .list_follow_ups(by("follow_up_agent", "zhao", request))
            .await;
        let mut views = self.said("list follow-ups", answer).follow_ups;
        views.sort_by_key(|view| view.follow_up.as_ref().map(|follow_up| follow_up.round));
        views
    }

    /// Every follow-up of a ticket, by round.
    pub async fn follow_ups(&self, ticket_id: &str) -> Vec<FollowUp> {
        let views = self.follow_up_views(ticket_id).await;
        views
            .into_iter()
            .filter_map(|view| view.follow_up)
            .collect()
    }

    /// The tickets that have these words, the last received first.
    pub async fn finds(&self, query: &str) -> Vec<FoundTicket> {
        let request = SearchTicketsRequest {
            query: query.to_owned(),
            page_size: PAGE,
            ..SearchTicketsRequest::default()
        };
        let request = by("operator", "li", request);
        let answer = self.reporting().search_tickets(request).await;
        self.said("search tickets", answer).tickets
    }

    /// A document as it stands now, as CSV, with its head.
    pub async fn document(&self, series: Series, period: &str) -> (DocumentHead, String) {
        let request = RenderDocumentRequest {
            series: series.into(),
            period: period.to_owned(),
            format: Format::Csv.into(),
            ..RenderDocumentRequest::default()
        };
        let answer = self
            .reporting()
            .render_document(by("reviewer", "qian", request))
            .await;
        let mut pieces = self.said("render a document", answer);
        let (mut head, mut content) = (None, Vec::new());
        loop {
            match pieces.message().await {
                Ok(Some(piece)) => {
                    head = head.or(piece.head);
                    content.extend(piece.piece);
                }
                Ok(None) => break,
                Err(status) => panic!("{}: render {period}: {}", self.label, status.message()),
            }
        }
        (
            head.expect("the first piece has a head"),
            String::from_utf8(content).expect("CSV is UTF-8"),
        )
    }

    pub(crate) fn feedback(&self) -> FeedbackServiceClient<Door> {
        FeedbackServiceClient::new(self.channel(Name::Feedback))
    }

    fn reporting(&self) -> ReportingServiceClient<Door> {
        ReportingServiceClient::new(self.channel(Name::Reporting))
    }
}
