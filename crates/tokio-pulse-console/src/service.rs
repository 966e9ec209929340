//! The calls, as tonic hands them over.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tokio_pulse_proto::v1::{self, console_server::Console};
use tonic::{Request, Response, Status};

use crate::answer::Answers;
use crate::watch::Subscription;

pub(crate) struct Service {
    answers: Arc<Answers>,
    /// One at a time, in the order in which they came.
    stacks: Arc<Semaphore>,
    ending: watch::Receiver<bool>,
}

type Answer<T> = Result<Response<T>, Status>;

impl Service {
    pub(crate) fn new(answers: Arc<Answers>, ending: watch::Receiver<bool>) -> Self {
        Self { answers, stacks: Arc::new(Semaphore::new(1)), ending }
    }

    /// For what may wait: the thread that serves everybody does not.
    async fn aside<T: Send + 'static>(
        &self,
        answer: impl FnOnce(&Answers) -> Result<T, Status> + Send + 'static,
    ) -> Answer<T> {
        // It is never closed, and a panic in tokio-pulse is no reason for one here.
        let turn = self.stacks.clone().acquire_owned().await.ok();
        let answers = self.answers.clone();
        let run = move || {
            let _turn = turn;
            answer(&answers)
        };
        let answered = tokio::task::spawn_blocking(run).await;
        answered
            .map_err(|_| Status::internal("the console has failed; try again"))?
            .map(Response::new)
    }
}

#[tonic::async_trait]
impl Console for Service {
    async fn handshake(
        &self,
        request: Request<v1::HandshakeRequest>,
    ) -> Answer<v1::HandshakeResponse> {
        self.answers.may_ask()?;
        self.aside(move |answers| answers.handshake(request.get_ref())).await
    }

    type WatchStream = Subscription;

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Answer<Subscription> {
        self.answers.may_ask()?;
        let ending = self.ending.clone();
        Subscription::new(&self.answers, request.into_inner(), ending).map(Response::new)
    }

    async fn get_config(
        &self,
        _request: Request<v1::GetConfigRequest>,
    ) -> Answer<v1::GetConfigResponse> {
        self.answers.may_ask()?;
        Ok(Response::new(v1::GetConfigResponse { config: Some(self.answers.config()) }))
    }

    async fn set_config(
        &self,
        request: Request<v1::SetConfigRequest>,
    ) -> Answer<v1::SetConfigResponse> {
        if request.get_ref().dry_run {
            self.answers.may_ask()?;
        } else {
            self.answers.may_change()?;
        }
        let config = self.answers.set_config(request.get_ref())?;
        Ok(Response::new(v1::SetConfigResponse { config: Some(config) }))
    }

    async fn set_tier_policy(
        &self,
        request: Request<v1::SetTierPolicyRequest>,
    ) -> Answer<v1::SetTierPolicyResponse> {
        self.answers.may_change()?;
        let config = self.answers.set_tier_policy(request.into_inner())?;
        Ok(Response::new(v1::SetTierPolicyResponse { config: Some(config) }))
    }

    async fn set_task(&self, request: Request<v1::SetTaskRequest>) -> Answer<v1::SetTaskResponse> {
        self.answers.may_change()?;
        let suspect = self.answers.set_task(request.get_ref())?;
        Ok(Response::new(v1::SetTaskResponse { suspect: Some(suspect) }))
    }

    async fn set_spawn_site(
        &self,
        request: Request<v1::SetSpawnSiteRequest>,
    ) -> Answer<v1::SetSpawnSiteResponse> {
        self.answers.may_change()?;
        let rule = self.answers.set_site(request.get_ref())?;
        Ok(Response::new(v1::SetSpawnSiteResponse { rule }))
    }

    async fn get_spawn_sites(
        &self,
        request: Request<v1::GetSpawnSitesRequest>,
    ) -> Answer<v1::GetSpawnSitesResponse> {
        self.answers.may_ask()?;
        Ok(Response::new(self.answers.sites(request.get_ref())))
    }

    async fn get_stacks(
        &self,
        request: Request<v1::GetStacksRequest>,
    ) -> Answer<v1::GetStacksResponse> {
        self.answers.may_interrupt()?;
        self.aside(move |answers| answers.stacks(request.get_ref())).await
    }
}
