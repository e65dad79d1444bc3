//! Receives webhooks, with the library of Standard Webhooks:
//! cargo add axum standardwebhooks subtle && cargo add tokio --features macros,net,rt
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::{Router, routing::any};
use standardwebhooks::Webhook;
use std::env;
use subtle::ConstantTimeEq;

fn is_signed(secret: &str, headers: &HeaderMap, body: &[u8]) -> bool {
    Webhook::new(secret).is_ok_and(|webhook| webhook.verify(body, headers).is_ok())
}

fn has_password(password: &str, headers: &HeaderMap) -> bool {
    let given = headers.get("verification-signature");
    given.is_some_and(|given| given.as_bytes().ct_eq(password.as_bytes()).into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secret = env::var("WEBHOOK_SECRET")?;
    let password = env::var("VERIFICATION_SIGNATURE")?;
    let port = env::var("PORT").unwrap_or("8000".to_string());
    let receive = async move |uri: Uri, headers: HeaderMap, body: Bytes| {
        let valid = match uri.path() {
            "/signed" => is_signed(&secret, &headers, &body),
            _ => has_password(&password, &headers),
        };
        // Store the event here, then answer; act on it later.
        if valid { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED }
    };
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    Ok(axum::serve(listener, Router::new().fallback(any(receive))).await?)
}
