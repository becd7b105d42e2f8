// Package api holds the wire types of the Prefect 3 REST contract, generated from
// docs/api/openapi.json, from the hosted service's in docs/api/cloud-openapi.json and our
// additions in docs/api/usher.json, and what every part of usher says with them: three-state
// optional values, times, errors. It imports nothing of usher.
package api

//go:generate go run ../tools/apigen -contract ../../docs/api/openapi.json -additions ../../docs/api/usher.json -hosted ../../docs/api/cloud-openapi.json -api . -client ../client
