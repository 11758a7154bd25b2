//! What a request is signed with for its payload.

use aws_runtime::auth::PayloadSigningOverride;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;

use crate::artifacts::store::Body;
use crate::digest;

/// What the signature says of a payload.
#[derive(Debug)]
pub(super) struct Payload(PayloadSigningOverride);

impl Payload {
    /// The digest of `body`, which is known: the signer would read all of it again.
    pub(super) fn signed(body: &Body) -> Self {
        let digest = digest::hex(&body.digest);
        Self(PayloadSigningOverride::Precomputed(digest))
    }

    /// Nothing: for a request that has the digest in a header, which is signed like all of them. The
    /// server would compute it twice.
    pub(super) fn unsigned() -> Self {
        Self(PayloadSigningOverride::UnsignedPayload)
    }
}

impl Intercept for Payload {
    fn name(&self) -> &'static str {
        "Payload"
    }

    fn modify_before_signing(
        &self,
        _context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(self.0.clone());
        Ok(())
    }
}
