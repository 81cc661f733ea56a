//! The slow twin: the same rules over a tree, written down once more.

use auditwake_core::policy::level::Level;

use super::tree::Tree;

/// The event as it should be, and how many bodies go.
pub(crate) fn reduced(event: &Tree, to: Level, omit: bool) -> (Tree, usize) {
    let level = event.last("level").map_or(Level::None, Level::from_text).min(to);
    let patch = event.last("verb") == Some("patch");
    let mut bodies = 0;
    let mut kept = Vec::new();
    for (key, value) in event.members() {
        let value = match (key.as_str(), value) {
            ("requestObject", _) if level < Level::Request => {
                bodies += 1;
                continue;
            }
            ("responseObject", _) if level < Level::RequestResponse => {
                bodies += 1;
                continue;
            }
            ("requestObject", body) if omit && !patch => without_managed_fields(body),
            ("responseObject", body) if omit => without_managed_fields(body),
            ("annotations", Tree::Object(all)) if level < Level::Request => {
                let left: Vec<_> = all.iter().filter(|(key, _)| !needs_bodies(key)).cloned().collect();
                if left.is_empty() && !all.is_empty() {
                    continue;
                }
                Tree::Object(left)
            }
            ("level", Tree::Text(text)) if Level::from_text(text) > level => {
                Tree::Text(level.as_text().to_owned())
            }
            (_, value) => value.clone(),
        };
        kept.push((key.clone(), value));
    }
    (Tree::Object(kept), bodies)
}

fn needs_bodies(key: &str) -> bool {
    let parts: Vec<&str> = key.split('_').collect();
    let number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let patch = matches!(parts[..], ["patch.webhook.admission.k8s.io/round", round, "index", index]
        if number(round) && number(index));
    patch || key == "audit.k8s.io/truncated"
}

/// `copyWithoutManagedFields`, by what the body says of its type.
fn without_managed_fields(body: &Tree) -> Tree {
    let last = |name| match body.members().iter().rfind(|(key, _)| key == name) {
        Some((_, Tree::Text(text))) => text.as_str(),
        _ => "",
    };
    let (kind, version) = (last("kind"), last("apiVersion"));
    if kind == "Table" && ["meta.k8s.io/v1", "meta.k8s.io/v1beta1"].contains(&version) {
        let row = |row: &Tree| at(row, "object", remove);
        return at(body, "rows", |rows| each(rows, row));
    }
    let item_is_odd = |(key, value): &(String, Tree)| match value {
        Tree::Array(items) if key == "items" => items.iter().any(|item| !matches!(item, Tree::Object(_))),
        _ => false,
    };
    if (kind == "List" && version == "v1") || body.members().iter().any(item_is_odd) {
        return body.clone();
    }
    at(&remove(body), "items", |items| each(items, remove))
}

/// `removeManagedFields`
fn remove(object: &Tree) -> Tree {
    at(object, "metadata", |metadata| match metadata {
        Tree::Object(members) => {
            Tree::Object(members.iter().filter(|(key, _)| key != "managedFields").cloned().collect())
        }
        other => other.clone(),
    })
}

fn at(object: &Tree, name: &str, change: impl Fn(&Tree) -> Tree) -> Tree {
    let Tree::Object(members) = object else { return object.clone() };
    let member = |(key, value): &(String, Tree)| {
        (key.clone(), if key == name { change(value) } else { value.clone() })
    };
    Tree::Object(members.iter().map(member).collect())
}

fn each(array: &Tree, change: impl Fn(&Tree) -> Tree) -> Tree {
    let Tree::Array(items) = array else { return array.clone() };
    Tree::Array(items.iter().map(change).collect())
}
