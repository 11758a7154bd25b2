//! A profile that cannot be used says so to everybody.

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result, future};
use tokio::sync::Mutex;

use crate::report;

/// The credentials of a profile. The SDK's tells whoever asks first why it cannot be used, and all others
/// that this has been told.
#[derive(Debug)]
pub(super) struct Profile {
    provider: ProfileFileCredentialsProvider,
    /// Why it cannot be used.
    problem: Mutex<Option<String>>,
}

impl Profile {
    pub(super) fn new(provider: ProfileFileCredentialsProvider) -> Self {
        Self {
            provider,
            problem: Mutex::default(),
        }
    }

    async fn credentials(&self) -> Result {
        let mut problem = self.problem.lock().await;
        if let Some(problem) = &*problem {
            return Err(CredentialsError::invalid_configuration(problem.clone()));
        }
        let provided = self.provider.provide_credentials().await;
        // Whatever else goes wrong may be well the next time.
        if let Err(
            error @ (CredentialsError::InvalidConfiguration(_)
            | CredentialsError::CredentialsNotLoaded(_)),
        ) = &provided
        {
            let source = std::error::Error::source(error).unwrap_or(error);
            *problem = Some(report::sentence(source, None));
        }
        provided
    }
}

impl ProvideCredentials for Profile {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}
