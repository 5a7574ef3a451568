//! What the pure core takes for one request, without HTTP and without an API server; and what a person takes
//! in memory.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark, not a server"
)]

mod access;
#[path = "../load/people.rs"]
#[expect(dead_code, reason = "the load tool uses the rest")]
mod people;
#[path = "../load/process.rs"]
#[expect(dead_code, reason = "the load tool uses the rest")]
mod process;

use std::{hint::black_box, time::Duration};

use criterion::{BatchSize, Criterion};
use scim_operator::{
    api::ScimUser,
    directory::view::{Directory, User},
    scim::{
        filter::{BoundFilter, Filter},
        json,
        mode::Mode,
        patch::PatchRequest,
        projection::Projection,
        relations::Unrelated,
        requirements::Requirements,
        resource::{self, Resource},
        schema::ResourceSchema,
    },
};
use serde_json::json;

const MODE: Mode = Mode::Compat;
const PROVIDER: &str = "okta";
/// How many people the index has.
const PEOPLE: usize = 100_000;

fn main() {
    // Before anything else has used memory and given it back.
    if std::env::args().any(|argument| argument == "--bench") {
        memory();
    }
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    requests(&mut criterion);
    filters(&mut criterion);
    index(&mut criterion);
    access::measure(&mut criterion);
    criterion.final_summary();
}

fn requests(criterion: &mut Criterion) {
    let (schema, body) = (ResourceSchema::user(), people::person(0).to_string());
    let requirements = Requirements::of(&schema);
    criterion.bench_function("decode a POST", |bencher| {
        bencher.iter(|| {
            let body = json::parse(body.as_bytes()).unwrap();
            resource::post(body, &schema, MODE, &requirements).unwrap()
        });
    });
    let current = person(&schema);
    let patch = json!({"Operations": [{"op": "replace", "value": {"active": false}}]}).to_string();
    criterion.bench_function("decode and apply a PATCH of active", |bencher| {
        bencher.iter(|| {
            let patch = PatchRequest::decode(json::parse(patch.as_bytes()).unwrap(), MODE).unwrap();
            patch.apply(&current, &schema, MODE, &requirements).unwrap()
        });
    });
    let user = User::from_object(object(0)).unwrap();
    let (id, added) = (user.id().to_string(), json!({"meta": {"resourceType": "User"}}));
    for (name, projection) in [
        ("encode a whole person", Projection::standard(&schema)),
        ("encode userName and active", Projection::new(&schema, ["userName", "active"], [], Mode::Compat)),
    ] {
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| projection.show(user.compact(), &id, &added).text());
        });
    }
}

fn filters(criterion: &mut Criterion) {
    let schema = ResourceSchema::user();
    let bound = |filter| -> BoundFilter { Filter::parse(filter, MODE).unwrap().bind(&schema, MODE).unwrap() };
    let person = person(&schema);
    for (name, filter) in [
        ("userName eq", r#"userName eq "person000000@example.com""#),
        ("a value path", r#"emails[type eq "work" and value co "@example.com"] and active eq true"#),
    ] {
        criterion.bench_function(&format!("read a filter: {name}"), |bencher| {
            bencher.iter(|| bound(black_box(filter)));
        });
        let filter = bound(filter);
        criterion.bench_function(&format!("ask a filter: {name}"), |bencher| {
            bencher.iter(|| filter.matches(black_box(&person), &Unrelated));
        });
    }
}

fn index(criterion: &mut Criterion) {
    let users: Vec<User> = (0..1000).map(|number| User::from_object(object(number)).unwrap()).collect();
    let object = object(0);
    criterion.bench_function("read a person's object", |bencher| {
        bencher.iter_batched(
            || object.clone(),
            |object| User::from_object(object).unwrap(),
            BatchSize::SmallInput,
        );
    });
    criterion.bench_function("1,000 people into an empty index", |bencher| {
        bencher.iter_batched(
            || users.clone(),
            |users| {
                let mut directory = Directory::default();
                users.into_iter().for_each(|user| _ = directory.apply_user(user));
                directory
            },
            BatchSize::LargeInput,
        );
    });
    let mut directory = Directory::default();
    users.into_iter().for_each(|user| _ = directory.apply_user(user));
    let (name, mail) = (people::user_name(7), people::user_name(7));
    criterion.bench_function("look somebody up by userName and by e-mail", |bencher| {
        bencher.iter(|| {
            let view = directory.provider(PROVIDER).unwrap();
            (view.user_by_key(black_box(&name)).is_some(), view.users_by_email(black_box(&mail)).count())
        });
    });
}

/// What the index takes of the process for each person, their JSON included.
fn memory() {
    let pid = std::process::id();
    let before = process::resident(pid);
    let mut directory = Directory::default();
    for number in 0..PEOPLE {
        directory.apply_user(User::from_object(object(number)).unwrap());
    }
    let took = (process::resident(pid) - before) * 1024.0 * 1024.0;
    let json = serde_json::to_vec(&object(0).spec).map_or(0, |json| json.len());
    println!("the index takes {:.0} bytes a person, whose spec has {json} bytes", took / PEOPLE as f64);
}

fn person(schema: &ResourceSchema) -> Resource {
    resource::post(people::person(0), schema, MODE, &Requirements::of(schema)).unwrap().resource
}

/// A person's object as the API server sends it.
fn object(number: usize) -> ScimUser {
    let mut spec = people::person(number);
    let more = json!({
        "provider": PROVIDER,
        "id": format!("7c9e6679-7425-40de-944b-e07fc1{number:06}"),
        "meta": {
            "created": "2026-11-22T10:00:00Z", "lastModified": "2026-11-22T10:00:00Z", "version": 1,
        },
    });
    let fields = spec.as_object_mut().unwrap();
    fields.remove("schemas");
    fields.extend(more.as_object().cloned().unwrap());
    serde_json::from_value(json!({
        "apiVersion": "scim-operator.dev/v1alpha1",
        "kind": "ScimUser",
        "metadata": {
            "name": format!("okta-person{number:06}-example-com-3f9c2a1b7d0e4f56"),
            "uid": format!("0b1c6679-7425-40de-944b-e07fc1{number:06}"),
            "resourceVersion": (number + 1).to_string(),
        },
        "spec": spec,
    }))
    .unwrap()
}
