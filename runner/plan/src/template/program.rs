//! Compiles a template with blocks or function calls into a Handlebars syntax tree.

mod reference;
mod tree;

use std::ops::Range;

use handlebars::Template;
use handlebars::template::Parameter;

use super::arguments::{self, Argument};
use super::functions::Function;
use super::tags::{Kind, Piece, Tag};

pub(crate) use self::reference::{Base, Reference, Watch};

/// The name under which the tree calls our steps.
pub(crate) const STEP: &str = "step";

/// Blocks in blocks, `else if` included. A person loses track at five; the stack ends at thousands.
const MAX_DEPTH: usize = 64;

/// A compiled template.
#[derive(Debug)]
pub(crate) struct Program {
    /// What the tree calls, by number.
    pub(crate) steps: Vec<Step>,
    /// The tree.
    pub(crate) tree: Template,
}

/// What the tree asks of us.
#[derive(Debug)]
pub(crate) enum Step {
    /// Text and paths between two blocks.
    Fragment(Vec<Part>),
    /// The value of an argument.
    Value(Reference),
    /// A function over the arguments that follow the number; the range is its tag.
    Call(Function, Range<usize>),
}

/// A part of a fragment.
#[derive(Debug)]
pub(crate) enum Part {
    /// Text of the template.
    Text(Range<usize>),
    /// A tag with a path.
    Path(Reference),
}

/// Compiles `pieces`, or gives nothing if the structure of the blocks is broken.
pub(crate) fn compile(template: &str, pieces: &[Piece<'_>]) -> Option<Program> {
    let mut compiler = Compiler::default();
    for piece in pieces {
        match piece {
            Piece::Text(range) => compiler.text(range.clone()),
            Piece::Tag(tag) => compiler.tag(template, tag)?,
        }
    }
    compiler.end_fragment();
    compiler.open.is_empty().then(|| Program {
        steps: compiler.steps,
        tree: compiler.tree,
    })
}

/// A block whose end was not reached.
#[derive(Debug)]
struct OpenBlock {
    name: &'static str,
    options: Vec<(&'static str, Parameter)>,
    parameter: Parameter,
    /// Began with `else`, and ends where the block around it ends.
    chained: bool,
    /// What is read now has a `this` of its own.
    scoped: bool,
    /// What came before it.
    outer: Template,
    /// Its first branch, once the second has begun.
    first: Option<Template>,
}

#[derive(Debug, Default)]
struct Compiler {
    steps: Vec<Step>,
    tree: Template,
    open: Vec<OpenBlock>,
    fragment: Vec<Part>,
    /// Text before this offset belongs to the line of a block tag.
    text_from: usize,
}

impl Compiler {
    fn text(&mut self, range: Range<usize>) {
        let start = range.start.max(self.text_from);
        if start < range.end {
            self.fragment.push(Part::Text(start..range.end));
        }
    }

    fn tag(&mut self, template: &str, tag: &Tag<'_>) -> Option<()> {
        match tag.kind {
            Kind::Path => {
                let reference = self.reference(tag, tag.content, Watch::Nothing);
                self.fragment.push(Part::Path(reference));
                return Some(());
            }
            Kind::Call(function, source) => {
                self.end_fragment();
                let arguments = arguments::parse(source)?;
                let parameters = self.call(tag, function, arguments, Watch::Nothing)?;
                self.tree.elements.push(tree::expression(parameters));
                return Some(());
            }
            Kind::Open(..) | Kind::Else(_) | Kind::Close(_) => {}
        }
        self.remove_line(template, &tag.range);
        self.end_fragment();
        match tag.kind {
            Kind::Open(name, source) => self.open(tag, name, source, false),
            Kind::Else(next) => {
                let block = self.open.last_mut()?;
                if block.first.is_some() {
                    return None;
                }
                block.first = Some(std::mem::take(&mut self.tree));
                block.scoped = false;
                next.map_or(Some(()), |(name, source)| {
                    self.open(tag, name, source, true)
                })
            }
            Kind::Close(name) => self.close(name),
            Kind::Path | Kind::Call(..) => Some(()),
        }
    }

    fn open(&mut self, tag: &Tag<'_>, name: &str, source: &str, chained: bool) -> Option<()> {
        if self.open.len() == MAX_DEPTH {
            return None;
        }
        let (name, scoped) = match name {
            "if" => ("if", false),
            "unless" => ("unless", false),
            "each" => ("each", true),
            "with" => ("with", true),
            _ => return None,
        };
        let mut parameter = None;
        let mut options = Vec::new();
        for argument in arguments::parse(source)? {
            match argument {
                Argument::Option("includeZero", value) if !scoped => {
                    options.push(("includeZero", Parameter::Literal(value)));
                }
                argument if parameter.is_none() => {
                    // A block asks whether something is there: that it is not is an answer.
                    parameter = Some(self.argument(tag, argument, Watch::Ignore)?);
                }
                _ => return None,
            }
        }
        self.open.push(OpenBlock {
            name,
            options,
            parameter: parameter?,
            chained,
            scoped,
            outer: std::mem::take(&mut self.tree),
            first: None,
        });
        Some(())
    }

    fn close(&mut self, name: &str) -> Option<()> {
        loop {
            let block = self.open.pop()?;
            let last = std::mem::replace(&mut self.tree, block.outer);
            let (first, second) = match block.first {
                Some(first) => (first, Some(last)),
                None => (last, None),
            };
            let element = tree::block(block.name, block.parameter, block.options, first, second);
            self.tree.elements.push(element);
            if !block.chained {
                return (block.name == name).then_some(());
            }
        }
    }

    /// Ends the fragment and puts it into the tree.
    fn end_fragment(&mut self) {
        if !self.fragment.is_empty() {
            let fragment = Step::Fragment(std::mem::take(&mut self.fragment));
            let number = self.step(fragment);
            self.tree.elements.push(tree::expression(vec![number]));
        }
    }

    fn step(&mut self, step: Step) -> Parameter {
        self.steps.push(step);
        Parameter::Literal((self.steps.len() - 1).into())
    }

    fn reference(&self, tag: &Tag<'_>, path: &str, watch: Watch) -> Reference {
        let scopes = self.open.iter().filter(|block| block.scoped).count();
        Reference::new(path, scopes, &tag.range, watch)
    }

    fn argument(
        &mut self,
        tag: &Tag<'_>,
        argument: Argument<'_>,
        watch: Watch,
    ) -> Option<Parameter> {
        Some(match argument {
            Argument::Literal(value) => Parameter::Literal(value),
            Argument::Path(path) => {
                let value = Step::Value(self.reference(tag, path, watch));
                tree::subexpression(vec![self.step(value)])
            }
            Argument::Call(function, arguments) => {
                tree::subexpression(self.call(tag, function, arguments, watch)?)
            }
            Argument::Option(..) => return None,
        })
    }

    fn call(
        &mut self,
        tag: &Tag<'_>,
        function: Function,
        arguments: Vec<Argument<'_>>,
        watch: Watch,
    ) -> Option<Vec<Parameter>> {
        let watch = watch.inside(function);
        let mut parameters = vec![self.step(Step::Call(function, tag.range.clone()))];
        for argument in arguments {
            parameters.push(self.argument(tag, argument, watch)?);
        }
        Some(parameters)
    }

    /// A block tag alone on its line takes the line with it, as in Handlebars.
    fn remove_line(&mut self, template: &str, tag: &Range<usize>) {
        let blank = [' ', '\t'];
        let before = template[..tag.start].trim_end_matches(blank);
        let after = template[tag.end..].trim_start_matches(blank);
        let line_end = ["\r\n", "\n"]
            .iter()
            .find_map(|end| after.strip_prefix(end))
            .or(after.is_empty().then_some(after));
        let (true, Some(rest)) = (before.is_empty() || before.ends_with('\n'), line_end) else {
            return;
        };
        if let Some(Part::Text(text)) = self.fragment.last_mut() {
            text.end = text.end.min(before.len().max(text.start));
        }
        self.text_from = template.len() - rest.len();
    }
}
