package asset

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
)

type graphOptions struct {
	at                   *place
	output               output.Options
	key                  string
	upstream, downstream bool
	depth                int
}

func newGraphCmd(at *place) *cobra.Command {
	opts := &graphOptions{at: at}
	cmd := &cobra.Command{
		Use:     "graph",
		Aliases: []string{"lineage"},
		Short:   "draw what assets are made of, and what is made of them",
		Long: "With a key the assets that it is made of and those that are made of it, else all assets from their sources on. " +
			"Marks and colours say how the latest materialization ended. Programs get the assets and their dependencies.",
		Example: at.words + " graph\n" + at.words + " graph s3://lake/clean.csv --upstream\n" + at.words + " graph s3://lake/clean.csv --json dependencies",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.run(cmd.Context()) },
	}
	cli.Positionals(cmd, at.keyArgument(&opts.key, false))
	cmd.Flags().BoolVar(&opts.upstream, "upstream", false, "only what the asset is made of")
	cmd.Flags().BoolVar(&opts.downstream, "downstream", false, "only what is made of the asset")
	cmd.Flags().IntVar(&opts.depth, "depth", 0, "so many steps away at most; 0 for all")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[lineage]())
	return cmd
}

// lineage are assets and what depends on what among them.
type lineage struct {
	Assets       []api.AssetCatalogItem `json:"assets"`
	Dependencies []api.AssetDependency  `json:"dependencies"`
}

func (o *graphOptions) run(ctx context.Context) error {
	if o.key == "" && (o.upstream || o.downstream) {
		return cli.Usagef("--upstream and --downstream are for the graph of one asset")
	}
	if o.depth < 0 {
		return cli.Usagef("--depth is 0 or more")
	}
	c, err := o.at.client()
	if err != nil {
		return err
	}
	if o.key != "" {
		if _, err := c.ReadAsset(ctx, url.Values{"key": {o.key}}); err != nil {
			return o.at.missing(ctx, c, o.key, err)
		}
	}
	var all lineage
	if all.Assets, err = c.ListAssets(ctx, nil); err != nil {
		return err
	}
	if all.Dependencies, err = c.LatestDependencies(ctx); err != nil {
		return err
	}
	printer := o.at.env.Printer(o.output)
	g := newDrawing(&all, printer, o.depth)
	both := o.upstream == o.downstream
	switch {
	case printer.Structured():
		return printer.Value(o.part(g, &all, both))
	case o.key == "":
		g.sources()
	default:
		g.root(o.key, o.upstream || both, o.downstream || both)
	}
	if len(g.lines) == 0 {
		o.at.env.Say("No assets found.")
		return nil
	}
	return printer.Paged(ctx, func() error { return g.write(o.at.env.Streams.Width(), printer.ForPeople()) })
}

// part is what of all lineage is asked for.
func (o *graphOptions) part(g *drawing, all *lineage, both bool) *lineage {
	if o.key == "" {
		return all
	}
	keep := map[string]bool{o.key: true}
	edges := map[[2]string]bool{}
	if o.upstream || both {
		g.reach(o.key, g.up, keep, func(key, next string) { edges[[2]string{next, key}] = true })
	}
	if o.downstream || both {
		g.reach(o.key, g.down, keep, func(key, next string) { edges[[2]string{key, next}] = true })
	}
	return &lineage{
		Assets:       slices.DeleteFunc(all.Assets, func(a api.AssetCatalogItem) bool { return !keep[a.Key] }),
		Dependencies: slices.DeleteFunc(all.Dependencies, func(d api.AssetDependency) bool { return !edges[[2]string{d.Upstream, d.Downstream}] }),
	}
}

// drawing is a graph on its way to lines of text.
type drawing struct {
	printer  *output.Printer
	depth    int // 0 for all
	assets   map[string]*api.AssetCatalogItem
	keys     []string
	up, down map[string][]string
	lines    []line
}

// line is the name of an asset behind branches.
type line struct{ branches, key, about string }

func newDrawing(all *lineage, printer *output.Printer, depth int) *drawing {
	g := &drawing{printer: printer, depth: depth, assets: map[string]*api.AssetCatalogItem{}, up: map[string][]string{}, down: map[string][]string{}}
	for i := range all.Assets {
		a := &all.Assets[i]
		g.assets[a.Key] = a
		g.keys = append(g.keys, a.Key)
	}
	for _, d := range all.Dependencies {
		g.up[d.Downstream] = append(g.up[d.Downstream], d.Upstream)
		g.down[d.Upstream] = append(g.down[d.Upstream], d.Downstream)
	}
	return g
}

// reach calls each for the steps from an asset on, each once, and notes whom they reach.
func (g *drawing) reach(from string, next map[string][]string, seen map[string]bool, each func(key, next string)) {
	level, known := []string{from}, map[string]bool{from: true}
	for depth := 0; len(level) > 0 && (g.depth == 0 || depth < g.depth); depth++ {
		var further []string
		for _, key := range level {
			for _, other := range next[key] {
				each(key, other)
				if !known[other] {
					known[other], seen[other] = true, true
					further = append(further, other)
				}
			}
		}
		level = further
	}
}

// sources draws what was made from the assets that were made of none, and the circles that
// begin nowhere.
func (g *drawing) sources() {
	seen := map[string]bool{}
	for _, isSource := range []bool{true, false} {
		for _, key := range g.keys {
			if !seen[key] && (len(g.up[key]) == 0) == isSource {
				g.tree(key, "", "", g.down, seen, 0)
			}
		}
	}
}

// root draws both sides of an asset.
func (g *drawing) root(key string, up, down bool) {
	g.lines = append(g.lines, line{key: key})
	for _, side := range []struct {
		wanted bool
		name   string
		next   map[string][]string
	}{{up, "made of", g.up}, {down, "makes", g.down}} {
		if !side.wanted || len(side.next[key]) == 0 {
			continue
		}
		g.lines = append(g.lines, line{about: side.name})
		g.below(key, "", side.next, map[string]bool{key: true}, 0)
	}
}

// tree draws an asset and what is behind it; what was drawn before is only named.
func (g *drawing) tree(key, branches, under string, next map[string][]string, seen map[string]bool, depth int) {
	if seen[key] {
		about := ""
		if len(next[key]) > 0 {
			about = "(see above)"
		}
		g.lines = append(g.lines, line{branches, key, about})
		return
	}
	seen[key] = true
	g.lines = append(g.lines, line{branches: branches, key: key})
	g.below(key, under, next, seen, depth)
}

func (g *drawing) below(key, under string, next map[string][]string, seen map[string]bool, depth int) {
	if g.depth > 0 && depth >= g.depth {
		return
	}
	others := next[key]
	for i, other := range others {
		branch, more := "├─ ", "│  "
		if i == len(others)-1 {
			branch, more = "└─ ", "   "
		}
		g.tree(other, under+branch, under+more, next, seen, depth+1)
	}
}

// write prints the lines. A person's are cut to the width: of a key its end stays, which says
// more than its beginning.
func (g *drawing) write(width int, forPeople bool) error {
	var out strings.Builder
	for _, l := range g.lines {
		if l.key == "" {
			out.WriteString(g.printer.Paint(l.about, output.Heading) + "\n")
			continue
		}
		mark, status := g.state(l.key)
		about := strings.TrimSpace(status + " " + l.about)
		key := output.Flat(l.key)
		if forPeople {
			room := width - ansi.StringWidth(l.branches) - 2
			if over := ansi.StringWidth(key+"  "+about) - room; over > 0 {
				about = ""
			}
			if over := ansi.StringWidth(key) - room; over > 0 && room > 1 {
				key = "…" + ansi.TruncateLeft(key, over+1, "")
			}
		}
		text := l.branches + g.printer.Paint(mark, statusTone(status)) + " " + key
		if about != "" {
			text += "  " + g.printer.Paint(about, output.Dim)
		}
		out.WriteString(text + "\n")
	}
	return g.printer.Line(strings.TrimSuffix(out.String(), "\n"))
}

// state is how the latest materialization of an asset ended, as a mark and in words.
func (g *drawing) state(key string) (mark, status string) {
	a := g.assets[key]
	if a == nil || a.LatestMaterialization.Status == nil {
		return "○", ""
	}
	status = *a.LatestMaterialization.Status
	if status == "failed" {
		return "✗", status
	}
	return "✓", status
}
