//! Answers that may be long: their text is written portion by portion, no faster than the client reads, and not any
//! further once the client has gone away.

use std::iter::once;

use axum::{
    body::{Body, Bytes},
    http::header,
    response::{IntoResponse, Response},
};
use futures::{StreamExt, stream};
use serde::Serialize;
use tokio::task::yield_now;

use super::{error::Refusal, media::SCIM_JSON};
use crate::scim::error::{ErrorKind, ScimError};

/// The longest text that is answered as a whole, in bytes: some 5,000 members.
const WHOLE: usize = 1024 * 1024;

/// How much of a longer one is held at a time.
const PORTION: usize = 64 * 1024;

/// A part of a text.
pub(super) type Part = serde_json::Result<Vec<u8>>;

/// The text of something short.
pub(super) fn part(value: &impl Serialize) -> Part {
    serde_json::to_vec(value)
}

/// The parts of an object whose last attribute is a list: of the object without it, and of each of its elements.
pub(super) fn with_list(
    object: Part,
    name: &'static str,
    elements: impl Iterator<Item: IntoIterator<Item = Part, IntoIter: Send>> + Send,
) -> impl Iterator<Item = Part> + Send {
    let opened = object.map(|mut text| {
        text.pop();
        let comma = if text.len() > 1 { "," } else { "" };
        text.extend(format!("{comma}\"{name}\":[").into_bytes());
        text
    });
    let elements = elements.enumerate().flat_map(|(place, element)| {
        let comma = (place > 0).then(|| Ok(b",".to_vec()));
        comma.into_iter().chain(element)
    });
    once(opened).chain(elements).chain(once(Ok(b"]}".to_vec())))
}

/// Answers with a text of JSON in parts.
pub(super) fn answer(parts: impl Iterator<Item = Part> + Send + 'static) -> Response {
    let mut portions = Portions { parts, size: WHOLE };
    let first = portions.next().unwrap_or_else(|| Ok(Bytes::new()));
    let first = match first {
        Ok(first) => first,
        Err(error) => {
            return Refusal::from(ScimError::new(ErrorKind::Internal, error.to_string())).into_response();
        }
    };
    let body = if first.len() < WHOLE {
        Body::from(first)
    } else {
        portions.size = PORTION;
        // However fast a client reads, others have their turn.
        let portions = stream::iter(portions).then(async |portion| {
            yield_now().await;
            portion
        });
        Body::from_stream(stream::iter([Ok(first)]).chain(portions))
    };
    ([(header::CONTENT_TYPE, SCIM_JSON)], body).into_response()
}

/// A text in portions of some size, the last one aside.
struct Portions<I> {
    parts: I,
    size: usize,
}

impl<I: Iterator<Item = Part>> Iterator for Portions<I> {
    type Item = serde_json::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut portion = self.parts.next()?;
        while let Ok(text) = &mut portion
            && text.len() < self.size
        {
            match self.parts.next() {
                Some(Ok(part)) => text.extend(part),
                Some(Err(error)) => portion = Err(error),
                None => break,
            }
        }
        Some(portion.map(Bytes::from))
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::{Value, json};

    use super::*;

    fn elements(count: usize) -> impl Iterator<Item = std::iter::Once<Part>> + Send + 'static {
        (0..count).map(|n| once(part(&json!({"value": format!("{n:0100}")}))))
    }

    fn answered(object: Value, count: usize) -> Response {
        answer(with_list(part(&object), "list", elements(count)))
    }

    async fn text(response: Response) -> Value {
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    fn announced(response: &Response) -> Option<u64> {
        http_body::Body::size_hint(response.body()).exact()
    }

    #[tokio::test]
    async fn a_short_answer_is_one_buffer_of_a_length_that_is_known() {
        for (object, count) in [(json!({}), 0), (json!({"id": 1}), 0), (json!({}), 2), (json!({"id": 1}), 2)]
        {
            let response = answered(object.clone(), count);
            assert!(announced(&response).is_some());
            let text = text(response).await;
            assert_eq!((&text["id"], text["list"].as_array().unwrap().len()), (&object["id"], count));
        }
    }

    #[tokio::test]
    async fn a_long_answer_comes_in_portions() {
        let response = answered(json!({"id": 1}), 50_000);
        assert_eq!(announced(&response), None);
        let (mut body, mut whole, mut frames) = (response.into_body(), Vec::new(), 0);
        while let Some(frame) = body.frame().await {
            let frame = frame.unwrap().into_data().unwrap();
            assert!(frame.len() < if frames == 0 { WHOLE + 200 } else { PORTION + 200 });
            whole.extend(frame);
            frames += 1;
        }
        assert!(frames > 50, "{frames}");
        let text: Value = serde_json::from_slice(&whole).unwrap();
        assert_eq!(text["list"].as_array().unwrap().len(), 50_000);
    }

    #[tokio::test]
    async fn what_fails_before_the_answer_is_an_error_and_what_fails_within_it_ends_it() {
        let broken = || once(serde_json::from_str::<Vec<u8>>("broken"));
        assert_eq!(answer(broken()).status(), 500);
        let parts = once(Ok(vec![b' '; WHOLE])).chain(broken());
        let response = answer(parts);
        assert_eq!(response.status(), 200);
        assert!(response.into_body().collect().await.is_err());
    }
}
