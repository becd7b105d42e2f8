package aws

import (
	"context"
	"net/url"
)

const ec2Version = "2016-11-15"

// VPC is the id of a network: of the one with the id, or of the region's default; "" if there
// is none.
func (c *Client) VPC(ctx context.Context, id string) (string, error) {
	form := url.Values{"Action": {"DescribeVpcs"}, "Version": {ec2Version}}
	if id != "" {
		form.Set("VpcId.1", id)
	} else {
		form.Set("Filter.1.Name", "isDefault")
		form.Set("Filter.1.Value.1", "true")
	}
	var answer struct {
		IDs []string `xml:"vpcSet>item>vpcId"`
	}
	err := c.query(ctx, "ec2", form, true, &answer)
	if err != nil || len(answer.IDs) == 0 {
		return "", err
	}
	return answer.IDs[0], nil
}

// Subnets are the ids of a network's parts.
func (c *Client) Subnets(ctx context.Context, vpc string) ([]string, error) {
	form := url.Values{"Action": {"DescribeSubnets"}, "Version": {ec2Version}, "Filter.1.Name": {"vpc-id"}, "Filter.1.Value.1": {vpc}}
	var answer struct {
		IDs []string `xml:"subnetSet>item>subnetId"`
	}
	err := c.query(ctx, "ec2", form, true, &answer)
	return answer.IDs, err
}
