//! Option chains, one request per underlying.

use super::batch;
use super::parse::{self, CHAINS, SOURCE};
use crate::collect::client::{Client, ClientError, Get};
use crate::collect::venue::outcome::{Parsed, each};
use crate::collect::venue::problem::Problems;
use crate::collect::{Fetch, FetchError, Fetched, Request};
use async_trait::async_trait;

/// Source of the dataset `option_chains`.
#[derive(Debug, Clone)]
pub struct OptionChains {
    /// The HTTP client of the source, with its budget and breakers.
    pub client: Client,
}

#[async_trait]
impl Fetch for OptionChains {
    /// One task per underlying. One without options has no rows; one that had some fails.
    async fn fetch(&self, request: &Request) -> Result<Fetched, FetchError> {
        let client = self.client.for_purpose(&request.purpose);
        let outcome =
            each(&request.items, &request.progress, |underlying| {
                let client = client.clone();
                async move {
                    let get = Get::of(CHAINS, &underlying);
                    match client.get(&get).await {
                        Ok(answer) => parse::option_chain(answer, &underlying).map_err(|reason| {
                            ClientError::Unreadable { origin: client.origin().to_owned(), path: get.path, reason }
                        }),
                        Err(ClientError::Status { status: 404, .. }) => {
                            Ok(Parsed { rows: Vec::new(), problems: Problems::of(SOURCE, CHAINS) })
                        }
                        Err(error) => Err(error),
                    }
                }
            })
            .await;
        let fetched_at = client.clock().now();
        outcome.finish(&client, &request.findings, request.items.len() as u64, |rows| {
            batch::option_chains(&rows, fetched_at)
        })
    }
}
