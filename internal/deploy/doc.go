// Package deploy turns prefect.yaml files and command lines into deployments: it reads the
// file, picks the deployments that are meant, runs their build and push steps, finds out from
// the source or else the user's Python what the flow looks like, and tells the API. Files that deploy with Prefect
// deploy to the same deployments here.
package deploy
