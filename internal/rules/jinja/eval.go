package jinja

import (
	"math/big"
	"strings"
)

func (r *run) eval(n node, s *scope) any {
	r.pay(0)
	switch n := n.(type) {
	case *constNode:
		return n.value
	case *nameNode:
		return r.name(n.name, s)
	case *tupleNode:
		return tuple(r.evalAll(n.items, s))
	case *listNode:
		return r.evalAll(n.items, s)
	case *dictNode:
		out := NewDict()
		for i, key := range n.keys {
			out.Set(r.eval(key, s), r.eval(n.values[i], s))
		}
		return out
	case *binNode:
		left := r.eval(n.left, s)
		return r.binary(n.op, left, r.eval(n.right, s))
	case *concatNode:
		return r.concat(r.evalAll(n.items, s))
	case *notNode:
		return !truth(r.eval(n.of, s))
	case *signNode:
		return signed(n.op, r.eval(n.of, s))
	case *logicNode:
		left := r.eval(n.left, s)
		if truth(left) == (n.op == "or") {
			return left
		}
		return r.eval(n.right, s)
	case *compareNode:
		return r.compare(n, s)
	case *condNode:
		return r.conditional(n, s)
	}
	return r.evalPostfix(n, s)
}

func (r *run) evalPostfix(n node, s *scope) any {
	switch n := n.(type) {
	case *attrNode:
		return r.attr(r.eval(n.of, s), n.name)
	case *itemNode:
		of := r.eval(n.of, s)
		return r.item(of, r.eval(n.key, s))
	case *sliceNode:
		return &slice{r.bound(n.start, s), r.bound(n.stop, s), r.bound(n.step, s)}
	case *callNode:
		of := r.eval(n.of, s)
		return r.invoke(of, r.callOf(n, s))
	case *filterNode:
		return r.applyFilter(n, r.eval(n.of, s), s)
	case *testNode:
		return r.applyTest(n, s)
	}
	return nil
}

func (r *run) name(name string, s *scope) any {
	if v, ok := s.find(name); ok {
		return v
	}
	if v, ok := globals(name); ok {
		return v
	}
	if name == "self" {
		return &selfBlocks{r}
	}
	return undefinedNamed(name)
}

func (r *run) evalAll(nodes []node, s *scope) []any {
	out := make([]any, len(nodes))
	for i, n := range nodes {
		out[i] = r.eval(n, s)
	}
	return out
}

func (r *run) bound(n node, s *scope) any {
	if n == nil {
		return nil
	}
	return r.eval(n, s)
}

func (r *run) concat(items []any) any {
	var b strings.Builder
	for _, item := range items {
		r.write(&b, r.shown(item))
	}
	return r.safe(b.String())
}

func signed(op string, v any) any {
	if u, ok := v.(*undefined); ok {
		u.fail()
	}
	if n, ok := bigOf(v); ok {
		if op == "-" {
			n = new(big.Int).Neg(n)
		}
		return small(n)
	}
	switch v := v.(type) {
	case float64:
		if op == "-" {
			return -v
		}
		return v
	case Duration:
		if op == "-" {
			return -v
		}
		return v
	}
	fail(typeError, "bad operand type for unary %s: %s", op, reprText(typeName(v)))
	return nil
}

func (r *run) compare(n *compareNode, s *scope) any {
	left := r.eval(n.first, s)
	for i, op := range n.ops {
		right := r.eval(n.rest[i], s)
		r.payFor(left, right)
		if !compareOp(op, left, right) {
			return false
		}
		left = right
	}
	return true
}

// payFor counts the work of looking through values, and through all that lies in them.
func (r *run) payFor(values ...any) {
	w := weighing{most: r.steps*64 + 64}
	w.all(values)
	r.pay(w.sum)
}

// weighing adds up how much values are, text by the byte, until it is more than somebody can
// pay for.
type weighing struct{ sum, most, depth int }

func (w *weighing) all(values []any) {
	for _, v := range values {
		if w.sum++; w.sum > w.most {
			return
		}
		w.value(v)
	}
}

func (w *weighing) value(v any) {
	if w.depth++; w.depth > maxInside {
		tooDeep()
	}
	defer func() { w.depth-- }()
	switch v := v.(type) {
	case string:
		w.sum += len(v)
	case markup:
		w.sum += len(v)
	case []any:
		w.all(v)
	case tuple:
		w.all(v)
	case Set:
		w.all(v)
	case *grouper:
		w.value(v.list)
	case view:
		w.all(v.items)
	case namespace:
		w.value(v.Dict)
	case *Dict:
		w.all(v.keys)
		for _, inner := range v.values {
			if w.sum++; w.sum > w.most {
				return
			}
			w.value(inner)
		}
	default:
		if n, ok := length(v); ok {
			w.sum += n
		}
	}
}

func (r *run) conditional(n *condNode, s *scope) any {
	switch {
	case truth(r.eval(n.test, s)):
		return r.eval(n.then, s)
	case n.otherwise != nil:
		return r.eval(n.otherwise, s)
	}
	out := missingValue("the inline if-expression on line " + repr(int64(n.line)) + " evaluated to false and no else section was defined.")
	out.strict = true
	return out
}

// selfBlocks is the name self: the blocks of the template.
type selfBlocks struct{ r *run }

func (b *selfBlocks) call(name string) (any, bool) {
	block, ok := b.r.template.blocks[name]
	if !ok {
		return nil, false
	}
	return method{name, func(*call) any {
		var out strings.Builder
		b.r.block(block, b.r.root, &out)
		return b.r.safe(out.String())
	}}, true
}
