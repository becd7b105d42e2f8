package jinja

// node is an expression; the types below are what an expression may be.
type node any

type (
	constNode  struct{ value any }
	nameNode   struct{ name string }
	memberNode struct { // ns.name, as what a value is set to
		namespace, name string
	}
	tupleNode struct{ items []node }
	listNode  struct{ items []node }
	dictNode  struct{ keys, values []node }
	binNode   struct {
		op          string
		left, right node
	}
	concatNode struct{ items []node }
	notNode    struct{ of node }
	signNode   struct {
		op string
		of node
	}
	logicNode struct { // and, or
		op          string
		left, right node
	}
	compareNode struct {
		first node
		ops   []string
		rest  []node
	}
	condNode struct {
		test, then, otherwise node // otherwise may be nil
		line                  int
	}
	attrNode struct {
		of   node
		name string
	}
	itemNode struct {
		of, key node
	}
	sliceNode struct{ start, stop, step node }
	callNode  struct {
		of   node
		args arguments
	}
	filterNode struct {
		of   node // nil in a filter block: its text
		name string
		args arguments
	}
	testNode struct {
		of   node
		name string
		args arguments
	}
)

type arguments struct {
	positional []node
	names      []string
	named      []node
	star       node
	starStar   node
}

// statement is what a template is made of.
type statement struct {
	line int
	do   any
}

type (
	textStatement  struct{ text string }
	printStatement struct{ items []node }
	ifStatement    struct {
		tests     []node
		bodies    [][]statement
		otherwise []statement
	}
	forStatement struct {
		target, over, test node
		recursive          bool
		body, otherwise    []statement
	}
	setStatement      struct{ target, value node }
	setBlockStatement struct {
		target node
		filter node // nil for none
		body   []statement
	}
	withStatement struct {
		targets, values []node
		body            []statement
	}
	macroStatement struct{ macro *macroDef }
	callStatement  struct {
		call   *callNode
		caller *macroDef
	}
	filterStatement struct {
		filter node
		body   []statement
	}
	escapeStatement struct {
		on   node
		body []statement
	}
	blockStatement struct {
		name             string
		scoped, required bool
		body             []statement
	}
	loadStatement struct { // extends, include, import: there is nothing to load from
		of            node
		ignoreMissing bool
	}
)

type macroDef struct {
	name                                string
	params                              []string
	defaults                            []node
	body                                []statement
	usesVarargs, usesKwargs, usesCaller bool
}
