//! Whose requests they are.

use std::fs::File;

use agent_plan::plan::CredentialsPlan;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::{StaticConfiguration, WebIdentityTokenCredentialsProvider};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};

use super::http::ClientError;
use profile::Profile;

mod profile;

/// Checks what the SDK would say of only with words that name no file. Blocks.
///
/// # Errors
///
/// Returns [`ClientError::Token`].
pub(super) fn check(plan: &CredentialsPlan) -> Result<(), ClientError> {
    let CredentialsPlan::WebIdentity { token_file, .. } = plan else {
        return Ok(());
    };
    match File::open(token_file) {
        Ok(_) => Ok(()),
        Err(source) => Err(ClientError::Token {
            path: token_file.clone(),
            source,
        }),
    }
}

/// Returns what gives credentials when they are asked for, and renews those that expire.
pub(super) fn provider(
    plan: &CredentialsPlan,
    config: &ProviderConfig,
) -> SharedCredentialsProvider {
    match plan {
        CredentialsPlan::Static {
            access_key,
            secret_key,
            session_token,
        } => SharedCredentialsProvider::new(Credentials::new(
            access_key,
            secret_key.expose(),
            session_token.as_ref().map(|token| token.expose().clone()),
            None,
            "agent-runner",
        )),
        CredentialsPlan::WebIdentity {
            role,
            token_file,
            session,
        } => {
            let told = StaticConfiguration {
                web_identity_token_file: token_file.clone(),
                role_arn: role.clone(),
                session_name: session.clone(),
            };
            let provider = WebIdentityTokenCredentialsProvider::builder().configure(config);
            SharedCredentialsProvider::new(provider.static_configuration(told).build())
        }
        CredentialsPlan::Container => {
            let provider = EcsCredentialsProvider::builder().configure(config);
            SharedCredentialsProvider::new(provider.build())
        }
        CredentialsPlan::Profile(name) => {
            let mut provider = ProfileFileCredentialsProvider::builder().configure(config);
            if let Some(name) = name {
                provider = provider.profile_name(name);
            }
            SharedCredentialsProvider::new(Profile::new(provider.build()))
        }
        CredentialsPlan::Instance => {
            let provider = ImdsCredentialsProvider::builder().configure(config);
            SharedCredentialsProvider::new(provider.build())
        }
    }
}
