package assurance

import (
	"fmt"
	"time"
)

// Rows are all promises, in the order of their numbers.
func Rows() []Row { return rows }

var rows = []Row{
	{
		ID: "S1", Level: Must, Promise: "What is known of a person can be exported and erased; how long things are kept can be set",
		Tests:   []string{"TestAPersonIsExportedAndErased", "TestPeopleAreErasedOneAfterAnother"},
		Missing: "what flows have logged, published or named of a person is not found; a sealed mail that waits goes within a day; restoring a backup brings erased people back",
		live:    retention,
	},
	{ID: "S2", Level: Operator, Promise: "There is a private way to report weaknesses", Tests: []string{"TestWhomToTellOfWeaknesses"}, Missing: "the operator reads what comes in; docs/security/disclosure.md is a template", live: func(f *Facts) Value {
		return Value{Text: onOff(f.SecurityTxt, "/.well-known/security.txt names whom to tell", "security.txt names nobody (USHER_SECURITY_CONTACT)")}
	}},
	{ID: "S3", Level: Operator, Promise: "Evidence for auditors can be collected", Tests: []string{"TestEvidenceIsVouchedFor"}, Missing: "it has no results of restored backups and of scans of dependencies; it is for the operator to keep", live: plain("usher security evidence")},
	{ID: "S4", Level: Must, Promise: "Code, data and results stay where flows run; the server holds metadata", Tests: []string{"TestCodeAndResultsStayWithTheWorker"}, live: plain("the server runs no code and takes none")},
	{
		ID: "S5", Level: Must, Promise: "Nothing but health, version and sign-in is answered without a credential",
		Tests: []string{"TestNothingIsAnsweredWithoutAGoodCredential", "TestNoSocketIsOpenWithoutCredentials", "TestNoRouteIsOpenWithoutCredentials", "server/start.txtar"},
		live:  whoMustSayWho,
	},
	{ID: "S6", Level: Must, Promise: "Each column of the database has a class, and the map of them can be read", Tests: []string{"TestTheDataMapNamesEveryColumn"}, live: plain("usher security data-map")},
	{ID: "S7", Level: Must, Promise: "Only lines of runs are collected, nothing of the machine", Tests: []string{"TestCodeAndResultsStayWithTheWorker"}, live: lines},
	{
		ID: "S8", Level: Must, Promise: "Of people only name and address are kept, and nothing is told to anybody",
		Tests: []string{"TestPeopleAreNameAndAddress", "TestNothingIsToldToAnybody"}, live: plain("no telemetry, and no setting for any"),
	},
	{
		ID: "S9", Level: Must, Promise: "Optional data has a switch", Tests: []string{"TestLinesAreNotKeptWhereTheyAreNotWanted", "TestCredentialsAreRefusedWhereNoneAreWanted"},
		Missing: "lines of logs and credentials in blocks have one; values of parameters and artifacts have none", live: lines,
	},
	{
		ID: "S10", Level: Must, Promise: "Secrets are recalled only by who may see them",
		Tests:   []string{"TestEveryOperationByEveryRoleInEveryTenant", "TestTheDatabaseShowsNoSecret", "TestObjectsHaveTheirOwnLists", "TestReadingASecretIsWrittenDown"},
		Missing: "secrets have no database or vault of their own", live: plain("needs the scope see_secret_blocks"),
	},
	{
		ID: "S11", Level: Must, Promise: "Logs can be switched off", Tests: []string{"TestLinesAreNotKeptWhereTheyAreNotWanted"},
		Missing: "the switch is the server's or the client's; accounts and workspaces have none of their own", live: lines,
	},
	{ID: "S12", Level: Must, Promise: "Loggers tell when runs begin and end, and no payload", Tests: []string{"TestLoggersTellNoPayload"}},
	{ID: "S13", Level: Must, Promise: "Values of flows' parameters are stored, those of tasks are not", Tests: []string{"TestCodeAndResultsStayWithTheWorker"}, Missing: "workspaces can't refuse values"},
	{
		ID: "S14", Level: Must, Promise: "Each block is sealed with a key of its workspace",
		Tests: []string{"TestSecretsOpenOnlyWhereTheyBelong", "TestSealedTextOpensOnlyWithItsKeyAndPlace", "TestKeysRotateUnderLoad", "TestTheMasterKeyMustBeTheRightOne", "TestKeysOfAccounts", "TestKnownTextsOpen"},
		live: func(f *Facts) Value {
			return Value{Text: "XChaCha20-Poly1305; the master key comes from " + f.MasterKey}
		},
	},
	{ID: "S15", Level: Must, Promise: "Nobody needs a password", Tests: []string{"TestSignInByLink", "TestPeopleAreNameAndAddress"}, live: mailed},
	{ID: "S16", Level: Must, Promise: "Credentials of registries and clusters may be kept, and may be refused", Tests: []string{"TestCredentialsAreRefusedWhereNoneAreWanted", "TestTheDatabaseShowsNoSecret"}, Missing: "no test pulls a private image with a block", live: func(f *Facts) Value {
		return Value{Text: onOff(f.NoCredentials, "blocks with secrets are refused", "blocks may hold secrets (USHER_BLOCKS_ALLOW_CREDENTIALS)")}
	}},
	{
		ID: "S17", Level: Must, Promise: "The server reaches only where it may", Tests: []string{"TestPrivateAddressesAreRefusedWhenAsked", "TestANameThatChangesItsMindGainsNothing", "TestOnlyListedHostsAreReached"},
		live: func(f *Facts) Value {
			if f.OnlyListed {
				return Value{Text: "webhooks and notifications go to listed hosts only"}
			}
			if f.OnlyPublic {
				return Value{Text: "webhooks and notifications go to public addresses only"}
			}
			return Value{Text: "private addresses can be reached (USHER_EGRESS_BLOCK_PRIVATE)", Weak: true}
		},
	},
	{
		ID: "S18", Level: Should, Promise: "Values may stay in a vault and be named only", Tests: []string{"TestRunsGetWhatTheVaultHas", "TestVaultIsReadAsItAnswers", "TestVaultInTroubleIsAskedAgain", "TestReferencesAreNoSecrets", "TestReferencesReadWhatIsAllowed"},
		Missing: "of vaults HashiCorp's alone is read, tested against a server that answers as its documents say, not its own; a flow that loads such a block itself gets the reference", live: plain("workers read them: USHER_SECRETS_… where they run"),
	},
	{
		ID: "S19", Level: Should, Promise: "Workloads come in by who they are, without a stored secret", Tests: []string{"TestJobOfABuildSystemIsLetIn", "TestTokensOfBuildSystemsThatAreRefused", "TestTokenOfABuildSystemIsTakenOnce", "TestJobsNeedNoSecret"},
		Missing: "no test uses the tokens of a cluster", live: func(f *Facts) Value { return Value{Text: count(f.TrustRules, "rule of trust", "rules of trust")} },
	},
	{ID: "S20", Level: Must, Promise: "Flows run in processes, containers and clusters of the user", Tests: []string{"TestScenarios", "TestDocker"}, Missing: "clusters are tested on request only (make test-kubernetes)"},
	{ID: "S21", Level: Must, Promise: "The server knows where code is, not the code", Tests: []string{"TestClonesAreMadeAndBroughtUpToDate", "TestImagesAreBuiltAndPushed", "TestCodeAndResultsStayWithTheWorker", "TestCodeIsFetchedWithTheWorkersRights"}},
	{ID: "S22", Level: Must, Promise: "Schedules say when flows run", Tests: []string{"TestCronMatchesReference", "TestIntervalMatchesReference", "TestRRuleMatchesReference", "TestAScheduledRunStartsOnTime"}},
	{ID: "S23", Level: Must, Promise: "Events, automations and webhooks start flows", Tests: []string{"TestTriggersFireAsTheReferences", "TestAnEventStartsARun", "TestWebhooks"}},
	{ID: "S24", Level: Must, Promise: "Code is fetched with the worker's rights", Tests: []string{"TestCodeIsFetchedWithTheWorkersRights"}},
	{ID: "S25", Level: Must, Promise: "Workers only call out", Tests: []string{"TestAWorkerNeedsNoWayIn"}},
	{
		ID: "S26", Level: Must, Promise: "Everything is encrypted on its way and secrets where they lie", Tests: []string{"TestHandshakesBelowTLS12AreRefused", "TestAServerSpeaksTLSOnly", "TestMailIsSentUnderTLS", "TestServersThatWouldLeakLinksDoNotStart", "TestCertificatesOverACME", "TestTheDatabaseShowsNoSecret"},
		Missing: "no capture of a run's packets; the database as a whole and backups are the operator's to encrypt", live: transport,
	},
	{
		ID: "S27", Level: Should, Promise: "Passwords, where wanted, are hard to guess", Tests: []string{
			"TestPasswordsAreOffUnlessWanted", "TestSignInWithAPassword", "TestWrongPasswordsLockAnAddress", "TestPasswordsTellNothingOfAddresses", "TestPasswordNeedsASecondFactor",
			"TestPasswordChangeEndsTheRest", "TestPasswordsThatAreGuessedFirst", "TestLeakedPasswordsAreFound",
		}, live: ofAccount(func(f *Facts, _ *Account) Value {
			switch {
			case !f.Passwords:
				return Value{Text: "off (USHER_AUTH_PASSWORD_ENABLED)"}
			case !f.BreachedList:
				return Value{Text: "on, with a second factor; common ones are refused, stolen ones are not (USHER_AUTH_PASSWORD_BREACHED_FILE)", Weak: true}
			}
			return Value{Text: "on, with a second factor; common and stolen ones are refused"}
		}),
	},
	{ID: "S28", Level: Operator, Promise: "It is known where data is and who processes it", Missing: "the operator chooses the place; docs/security/processing.md is a template", live: func(f *Facts) Value { return Value{Text: f.Database + ", where you run it"} }},
	{
		ID: "S29", Level: Must, Promise: "Servers may fail without losing or repeating work",
		Tests:   []string{"TestReplicasAndTheirDatabaseMayFail", "TestServersFireOnceTogether", "TestTwoServersScheduleEachInstantOnce", "TestTwoServersHandOutEachThingOnce", "TestAServerOutlivesItsDatabase"},
		Missing: "no test promotes a standby of the database",
		live: func(f *Facts) Value {
			if f.Database == "PostgreSQL" {
				return Value{Text: "PostgreSQL: several servers may share it"}
			}
			return Value{Text: f.Database + ": one server"}
		},
	},
	{ID: "S30", Level: Should, Promise: "Weaknesses of dependencies are noticed", Missing: "releases carry a bill of materials; nothing checks it for known weaknesses", live: func(f *Facts) Value { return Value{Text: "version " + f.Version} }},
	{ID: "S31", Level: Operator, Promise: "Others try to break in once a year", Missing: "the operator has it done; docs/security/testing.md says with what", live: plain("nothing here can say")},
	{ID: "S32", Level: Should, Promise: "Recovery is rehearsed", Tests: []string{"server/backup.txtar"}, Missing: "databases of PostgreSQL are copied by PostgreSQL's programs, and copies are the operator's to make, encrypt and keep; docs/security/recovery.md is a template", live: plain("usher server backup, usher server restore")},
	{ID: "S33", Level: Must, Promise: "Organizations sign in with SAML 2.0", Tests: []string{"TestSAMLSignsIn", "TestSAMLAbuse", "TestSAMLReplayed", "TestSAMLCommentTruncation", "TestSAMLIdentitiesBelongToTheAccount", "TestSAMLWithPysaml2InABrowser"}, live: func(f *Facts) Value {
		if f.IdPInitiated {
			return Value{Text: "providers may begin a sign-in (USHER_AUTH_SAML_ALLOW_IDP_INITIATED)", Weak: true}
		}
		return Value{Text: "only sign-ins that were begun here"}
	}},
	{
		ID: "S34", Level: Must, Promise: "People sign in at Google, GitHub and any OpenID provider", Tests: []string{"TestSignInAtARealProvider", "TestSignInAtGitHub", "TestForgedAnswersOfAProvider", "TestAnswersOfAProviderBelongToTheBrowserThatAsked", "TestStrangersOfAProviderStayOut"},
		live: func(f *Facts) Value {
			return Value{Text: count(f.Providers, "provider", "providers") + onOff(f.CompatLogin, "; /auth/client hands keys to programs of this machine", "")}
		},
	},
	{
		ID: "S35", Level: Must, Promise: "People sign in by a link in a mail", Tests: []string{
			"TestSignInByLink", "TestLinkIsTakenOnce", "TestExpiredLinkIsRefused", "TestNewerLinkEndsTheOlder", "TestMailScannerUsesNoLinkUp", "TestLinkOpenedInAnotherBrowser", "TestWrongCodesLockTheLink",
			"TestAnotherTerminalGetsNothing", "TestLinksAreLimited", "TestAnswersTellNothingOfAddresses", "TestLinksTakeTheSameForEveryAddress", "TestAddressCannotAddHeadersToMail", "TestHostHeaderDoesNotGetIntoLinks",
		}, live: mailed,
	},
	{
		ID: "S36", Level: Must, Promise: "Accounts admit addresses of their own domains only, if they want", Tests: []string{"TestDomainsOfAnAccount", "TestDomainsAreProvenByTheDNS", "TestWhoIsNoMemberAnyMoreIsOut"},
		live: ofAccount(func(_ *Facts, a *Account) Value {
			return Value{Text: onOff(a.RestrictToDomains, "on", "off") + ", " + count(a.Domains, "proven domain", "proven domains")}
		}),
	},
	{
		ID: "S37", Level: Must, Promise: "Everybody may do only what their role says", Tests: []string{"TestEveryOperationByEveryRoleInEveryTenant", "TestWhoMayGovern", "TestNothingOfOneWorkspaceIsSeenInAnother", "TestNobodyGivesMoreThanTheyHave", "TestObjectsHaveTheirOwnLists", "TestAMemberHasNothingUntilItIsGiven"},
		Missing: "no test looks at what the container may do",
		live: ofAccount(func(_ *Facts, a *Account) Value {
			return Value{Text: count(a.People, "person", "people") + ", " + count(a.Bots, "service account", "service accounts") + ", " + count(a.EndlessKeys, "key", "keys") + " without an end", Weak: a.EndlessKeys > 0}
		}),
	},
	{ID: "S38", Level: Should, Promise: "Who has access is reviewed", Tests: []string{"TestAccessIsReviewed", "TestReviewsAreRemindedOf"}, Missing: "lists of single objects are not in it", live: ofAccount(func(_ *Facts, a *Account) Value {
		open := count(a.OpenReviews, "is open", "are open") + ", " + count(a.OverdueReviews, "of them is overdue", "of them are overdue")
		if a.Reviewed == nil {
			return Value{Text: "never completed; " + open, Weak: true}
		}
		return Value{Text: "last completed " + a.Reviewed.UTC().Format(time.DateOnly) + "; " + open, Weak: a.OverdueReviews > 0}
	})},
	{ID: "S39", Level: Should, Promise: "Access is asked for, approved by somebody else, and ends", Tests: []string{"TestAccessIsAskedForAndEnds"}, live: ofAccount(func(_ *Facts, a *Account) Value {
		return Value{Text: count(a.TimedGrants, "request gives", "requests give") + " access now, " + count(a.OpenRequests, "waits", "wait")}
	})},
	{ID: "S40", Level: Should, Promise: "Changes are written down, and some need a second person", Tests: []string{"TestRunningAnAccount", "TestTheAuditLogTellsWhenItWasTamperedWith", "TestChangesWaitForASecondPerson"}, live: ofAccount(func(_ *Facts, a *Account) Value {
		return Value{Text: onOff(a.TwoPersons, "changes of who may use the account wait for a second person", "one person is enough (usher change require)")}
	})},
	{
		ID: "S41", Level: Must, Promise: "Accounts may want their own sign-in, and directories take access away at once", Tests: []string{"TestSAMLRequired", "TestDeactivationEndsSessionsAndKeys", "TestRevocationReachesEveryServer", "TestOnlyTheDirectoryOfTheAccount"},
		live: ofAccount(func(_ *Facts, a *Account) Value { return Value{Text: onOff(a.RequireSSO, "required", "not required")} }),
	},
	{ID: "S42", Level: Should, Promise: "Weak secrets of operators are refused", Tests: []string{"TestWeakPasswordsForEverybodyAreRefused", "TestWeakPasswordsElsewhereAreRefused", "TestTheMasterKeyMustBeTheRightOne", "server/start.txtar"}},
	{
		ID: "S43", Level: Must, Promise: "Accounts may want a second factor", Tests: []string{"TestCodesAreThoseOfRFC6238", "TestSecondFactorOfAnApp", "TestSecondFactorOfAnAccount", "TestSecondFactorLocks", "TestPasskeyInABrowser"},
		live: ofAccount(func(_ *Facts, a *Account) Value {
			return Value{Text: onOff(a.RequireMFA, "required", "not required"), Weak: !a.RequireMFA && !a.RequireSSO}
		}),
	},
	{ID: "S44", Level: Operator, Promise: "Credentials on people's machines are kept well", Tests: []string{"TestSealedFile", "TestSessionsAreRevoked"}, Missing: "encrypting and managing those machines is the operator's; docs/security/devices.md is a template", live: plain("keyring of the system, else a sealed file")},
	{ID: "S45", Level: Should, Promise: "This report shows how the installation stands", Tests: []string{"TestTheSecurityReportTellsHowTheServerStands", "TestVisitorsReadWhatIsPromised"}, live: plain("usher security report, and the page /security")},
	{
		ID: "S46", Level: Must, Promise: "Secrets are never printed", Tests: []string{"TestSecretsPrintAsNothing", "TestRedact", "TestLogsNameTheRequestAndNoSecret", "TestTokensShowNowhere", "TestWhatIsRefusedIsSaidWithoutTheSecretAddress", "faults/secrets_are_masked.txtar", "TestDataCannotSteerTheTerminal"},
		Missing: "not every command and route is run with secrets that are then looked for",
	},
	{
		ID: "S47", Level: Must, Promise: "What is changed is written down so that tampering shows", Tests: []string{"TestTheAuditLogTellsWhenItWasTamperedWith", "TestRunningAnAccount", "TestReadingASecretIsWrittenDown"},
		Missing: "the log is not sent anywhere",
		live: ofAccount(func(_ *Facts, a *Account) Value {
			if a.AuditBroken != "" {
				return Value{Text: a.AuditBroken, Weak: true}
			}
			return Value{Text: fmt.Sprintf("%d entries, intact", a.AuditEntries)}
		}),
	},
	{
		ID: "S48", Level: Must, Promise: "Nobody takes more than their share", Tests: []string{"TestRatesAreLimited", "TestALargeBodyIsRefused", "TestTooManyRequestsAreToldToComeAgain", "TestDeadClientsHoldNothingForLong"},
		Missing: "sockets have no quota",
		live: func(f *Facts) Value {
			if f.Rates == 0 {
				return Value{Text: "accounts have no bound (USHER_LIMITS_REQUESTS_PER_MIN)", Weak: f.Accounts}
			}
			return Value{Text: fmt.Sprintf("%d requests in a minute for each account", f.Rates)}
		},
	},
	{ID: "S49", Level: Must, Promise: "Pages withstand other pages", Tests: []string{"TestPagesCannotBeFramedOrSniffed", "TestFormsOfOthersAreRefused", "TestNextLeadsNowhereElse", "TestPagesOfOtherOriginsAreLetInAsConfigured", "TestHostHeaderDoesNotGetIntoLinks"}, Missing: "no scanner is run against it"},
	{ID: "S50", Level: Must, Promise: "Nothing of one tenant reaches another", Tests: []string{"TestNothingOfOneWorkspaceIsSeenInAnother", "TestEveryOperationByEveryRoleInEveryTenant", "TestTheWallHoldsBehindBrokenStatements", "TestEveryTableOfWorkspacesHasAWall"}, live: wall},
	{ID: "S51", Level: Must, Promise: "Accounts may let in some addresses only", Tests: []string{"TestAddressesThatAreAllowed"}, live: ofAccount(func(_ *Facts, a *Account) Value {
		if a.Addresses == 0 {
			return Value{Text: "every address"}
		}
		return Value{Text: count(a.Addresses, "address or network", "addresses and networks")}
	})},
	{ID: "S52", Level: Must, Promise: "Webhooks can't be guessed, and their templates can't break out", Tests: []string{"TestWebhooks", "TestTemplatesEndInTime", "TestWhatIsMadeOfATemplateIsLimited"}},
	{ID: "S53", Level: Must, Promise: "What is too old is removed", Tests: []string{"TestTheVacuumRemovesWhatIsTooOld", "TestTheVacuumKeepsSomeEventsForLess"}, Missing: "no test looks for it in the files of the database", live: retention},
	{ID: "S54", Level: Must, Promise: "Runs get a credential for themselves only", Tests: []string{"TestARunSeesAndChangesNothingOfOthers", "TestARunIsLetInToItself", "TestRunsHaveTokensOfTheirOwn", "TestARunUsesWhatItsDeploymentLists"}},
	{ID: "S55", Level: Should, Promise: "Secrets in logs can be masked by the server", Tests: []string{"TestSecretsInLinesAreMasked", "TestLinesAreMaskedBeforeTheyAreKept"}, live: masked},
}

func onOff(on bool, yes, no string) string {
	if on {
		return yes
	}
	return no
}
