//! "Did you mean": the nearest of the names that exist.

/// Returns the candidate that `name` was probably meant to be, or `None` if none is near.
///
/// Near is at most a third of the letters, and at most three, typed differently.
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    let letters = name.chars().count();
    let limit = (letters / 3).clamp(1, 3);
    // The distance is at least the difference in length; a name as long as a file is not compared.
    let is_near = |candidate: &&str| candidate.chars().count().abs_diff(letters) <= limit;
    candidates
        .into_iter()
        .filter(|candidate| *candidate != name)
        .filter(is_near)
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_near_name_is_suggested() {
        let names = ["argsTemplate", "envTemplate", "provider"];
        assert_eq!(
            nearest("argTemplate", names).as_deref(),
            Some("argsTemplate")
        );
        assert_eq!(nearest("Provider", names).as_deref(), Some("provider"));
        assert_eq!(nearest("timeouts", names), None);
        assert_eq!(nearest("x", names), None);
        assert_eq!(nearest(&"provider".repeat(1 << 20), names), None);
    }
}
