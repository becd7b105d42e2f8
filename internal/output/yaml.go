package output

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v4"
)

// yaml prints the document as YAML. JSON is YAML, so it is read as such, which
// keeps the order of the members, and written again in block style.
func (p *Printer) yaml(document jsontext.Value) error {
	var node yaml.Node
	if err := yaml.Unmarshal(document, &node); err != nil {
		return fmt.Errorf("write the result as YAML: %w", err)
	}
	block(&node)
	encoder := yaml.NewEncoder(p.streams.Out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&node); err != nil {
		return fmt.Errorf("write the result as YAML: %w", err)
	}
	return encoder.Close()
}

func block(node *yaml.Node) {
	node.Style = 0
	for _, child := range node.Content {
		block(child)
	}
}
