package testkit

import (
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// AWS answers as Amazon's services do (moto): S3, ECS, EC2, CloudWatch Logs, STS.
type AWS struct {
	// URL is the endpoint of all services.
	URL string
}

// awsPins are what AWS itself needs, and the reference's parts that speak to it.
var awsPins = []string{"prefect==3.8.3", "prefect-aws==0.7.11", "s3fs==2026.9.0", "moto[server]==5.2.5"}

// PythonForAWS has the reference with its parts for AWS.
func PythonForAWS(t testing.TB) Python {
	t.Helper()
	python := PythonWith(t, awsPins...)
	bin := filepath.Dir(python)
	return Python{Dir: filepath.Dir(bin), Bin: bin, Python: python, Prefect: filepath.Join(bin, "prefect")}
}

// StartAWS starts the services, which forget all when the test ends.
func StartAWS(t testing.TB) *AWS {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(PythonForAWS(t).Python, "-m", "moto.server", "--host", "127.0.0.1", "--port", strconv.Itoa(port))
	cmd.Env = Env(t.TempDir())
	p, err := StartProcess(cmd, filepath.Join(t.TempDir(), "moto.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	a := &AWS{URL: fmt.Sprintf("http://127.0.0.1:%d", port)}
	Eventually(t, startPatience, func() error {
		if p.ended() {
			return Final(fmt.Errorf("moto ended: %s", p.Log()))
		}
		res, err := http.Get(a.URL + "/moto-api/data.json")
		if err != nil {
			return err
		}
		return res.Body.Close()
	})
	return a
}

// Env is what lets a client of AWS in.
func (a *AWS) Env() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + a.URL, "AWS_ACCESS_KEY_ID=testing", "AWS_SECRET_ACCESS_KEY=testing", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/nowhere", "AWS_SHARED_CREDENTIALS_FILE=/nowhere",
	}
}
