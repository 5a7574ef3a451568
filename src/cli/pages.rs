use std::fmt::Debug;

use futures::{Stream, TryStreamExt, stream};
use kube::{Api, api::ListParams};
use serde::de::DeserializeOwned;

/// How many objects one answer of the API server holds.
const PAGE: u32 = 500;

/// Every object whose fields have these values, page by page.
pub fn pages<K>(api: &Api<K>, fields: &[(&str, &str)]) -> impl Stream<Item = kube::Result<K>>
where
    K: Clone + Debug + DeserializeOwned,
{
    let fields = fields.iter().map(|(field, value)| format!("{field}={}", escaped(value)));
    let mut params = ListParams::default().limit(PAGE);
    params.field_selector = Some(fields.collect::<Vec<_>>().join(",")).filter(|fields| !fields.is_empty());
    let next = move |params: Option<ListParams>| async move {
        let Some(params) = params else { return Ok(None) };
        let page = api.list(&params).await?;
        let more = page.metadata.continue_.filter(|token| !token.is_empty());
        let objects = stream::iter(page.items.into_iter().map(Ok));
        Ok::<_, kube::Error>(Some((objects, more.map(|token| params.continue_token(&token)))))
    };
    stream::try_unfold(Some(params), next).try_flatten()
}

/// A value as the grammar of field selectors has it.
fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, '\\' | ',' | '=') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_become_a_selector_of_its_own() {
        assert_eq!(escaped(r"a,spec.provider=b\c"), r"a\,spec.provider\=b\\c");
    }
}
