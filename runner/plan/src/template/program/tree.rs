//! Nodes of the Handlebars tree.

use std::collections::HashMap;

use handlebars::Template;
use handlebars::template::{
    HelperTemplate, HelperTemplateBuilder, Parameter, Subexpression, TemplateElement,
};

use super::STEP;

/// A node that inserts the result of a step.
pub(super) fn expression(parameters: Vec<Parameter>) -> TemplateElement {
    let call = node(STEP, parameters, HashMap::new(), false);
    TemplateElement::Expression(Box::new(call))
}

/// An argument that is the result of a step.
pub(super) fn subexpression(parameters: Vec<Parameter>) -> Parameter {
    let name = Parameter::Name(STEP.to_owned());
    Parameter::Subexpression(Subexpression::new(name, parameters, HashMap::new()))
}

/// A block with one or two branches.
pub(super) fn block(
    name: &str,
    parameter: Parameter,
    options: Vec<(&'static str, Parameter)>,
    first: Template,
    second: Option<Template>,
) -> TemplateElement {
    let options = options
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let mut block = node(name, vec![parameter], options, true);
    block.template = Some(first);
    block.inverse = second;
    TemplateElement::HelperBlock(Box::new(block))
}

fn node(
    name: &str,
    parameters: Vec<Parameter>,
    options: HashMap<String, Parameter>,
    block: bool,
) -> HelperTemplate {
    HelperTemplateBuilder::default()
        .name(Parameter::Name(name.to_owned()))
        .params(parameters)
        .hash(options)
        .block(block)
        .chain(false)
        .indent_before_write(false)
        .build()
        .expect("all fields are set")
}
