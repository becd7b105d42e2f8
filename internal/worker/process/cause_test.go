package process

import (
	"strings"
	"testing"
)

func TestCausesAreReadFromTracebacks(t *testing.T) {
	t.Parallel()
	traceback := "10:00:00.000 | ERROR   | prefect.engine - exited with unexpected exception\nTraceback (most recent call last):\n  File \"x.py\", line 1, in <module>\n    import y\n"
	_, bare, _ := strings.Cut(traceback, "\n")
	for _, c := range []struct{ printed, want, advice string }{
		{traceback + "ModuleNotFoundError: No module named 'y'\n", "ModuleNotFoundError: No module named 'y'. ", "Install it"},
		{traceback + "prefect.exceptions.ScriptError: Script at 'x.py' encountered an exception: ModuleNotFoundError(\"No module named 'y'\")\nlater\n", "prefect.exceptions.ScriptError", "Install it"},
		{traceback + "KeyError: 1\n\nDuring handling of the above exception, another exception occurred:\n\n" + traceback + "FileNotFoundError: [Errno 2] No such file or directory: 'f.py'\n", "FileNotFoundError", "entrypoint"},
		{traceback + "prefect.exceptions.MissingFlowError: Flow function with name 'g' not found in 'f.py'.\n", "MissingFlowError", "function"},
		{traceback + "RuntimeError: Function with name 'f' not found in 'f.py'.\n", "RuntimeError", "function"},
		{traceback + "RuntimeError\n", "RuntimeError. ", "logs"},
		{traceback + "ValueError: " + strings.Repeat("x", 9000) + "\n", "xxx…", "logs"},
		{
			traceback + "ModuleNotFoundError: No module named 'steps'" + chained + bare + "prefect.exceptions.StepExecutionError: Encountered error while running steps.fetch\n",
			"Encountered error while running steps.fetch: ModuleNotFoundError: No module named 'steps'. ", "Install it",
		},
		{
			traceback + "ValueError: no bucket" + chained + bare + "prefect.exceptions.StepExecutionError: Encountered error while running steps.fetch\n",
			"steps.fetch: ValueError: no bucket. ", "pull steps",
		},
		{traceback, "", ""},
		{"no traceback", "", ""},
	} {
		got := causeIn(c.printed)
		if !strings.Contains(got, c.want) || !strings.Contains(got, c.advice) || (c.want == "" && got != "") || len(got) > maxCause+200 {
			t.Errorf("%q gives %q", c.printed, got)
		}
	}
}
