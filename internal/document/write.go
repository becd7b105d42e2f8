package document

import (
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v4"
)

// WriteYAML writes JSON as a YAML document that reads back as the same values.
func WriteYAML(w io.Writer, value jsontext.Value) error {
	var node yaml.Node
	if err := yaml.Unmarshal(value, &node); err != nil {
		return fmt.Errorf("write YAML: %w", err)
	}
	restyle(&node)
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := encoder.Encode(&node); err != nil {
		return fmt.Errorf("write YAML: %w", err)
	}
	return encoder.Close()
}

// restyle takes off the quotes and braces that JSON needs. A text that would be read as
// something else without its quotes keeps them.
func restyle(node *yaml.Node) {
	quoted := node.Kind == yaml.ScalarNode && node.Tag == "!!str"
	node.Style = 0
	if plain, err := Scalar(node); quoted && (err != nil || plain != node.Value) {
		node.Style = yaml.DoubleQuotedStyle
	}
	for _, child := range node.Content {
		restyle(child)
	}
}
