/** Addresses and the pages that they show. */
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { I18nProvider } from "react-aria-components/I18nProvider";
import { Redirect, Route, Switch } from "wouter";
import { sandboxesQuery } from "./api/queries";
import { pageOf } from "./loading";
import { useHeldSession } from "./session";
import { Guard } from "./shell/Guard";
import NotFound from "./shell/NotFound";
import { pathOf } from "./shell/navigation";
import { Page, useSandbox } from "./shell/page";
import { Shell } from "./shell/Shell";
import SignIn from "./shell/SignIn";
import { texts } from "./texts";
import { Link } from "./ui/Button";
import { EmptyState, ErrorPanel, Skeleton } from "./ui/feedback";

const Catalog = pageOf(() => import("./pages/sources/Catalog"), Coming);
const Accounts = pageOf(() => import("./pages/accounts/Accounts"), Coming);
const Account = pageOf(() => import("./pages/accounts/Account"), Coming);
const Dataflows = pageOf(() => import("./pages/dataflows/Dataflows"), Coming);
const Flow = pageOf(() => import("./pages/dataflows/Flow"), Coming);
const Run = pageOf(() => import("./pages/runs/Run"), Coming);
const NewAccount = pageOf(() => import("./pages/accounts/NewAccount"), Coming);
const Wizard = pageOf(() => import("./pages/wizard/Wizard"), Coming);
const EditFlow = pageOf(() => import("./pages/wizard/EditFlow"), Coming);
const Datasets = pageOf(() => import("./pages/datasets/Datasets"), Coming);
const Dataset = pageOf(() => import("./pages/datasets/Dataset"), Coming);
const Schemas = pageOf(() => import("./pages/schemas/Schemas"), Coming);
const Schema = pageOf(() => import("./pages/schemas/Schema"), Coming);
const Monitoring = pageOf(() => import("./pages/monitoring/Monitoring"), Coming);
const Sandboxes = pageOf(() => import("./pages/administration/Sandboxes"), Coming);
const Credentials = pageOf(() => import("./pages/administration/Credentials"), Coming);

export function App() {
  return (
    <I18nProvider locale="en-US">
      <Guard as="site">
        <Switch>
          <Route path="/signin" component={SignIn} />
          <Route path="/" component={Home} />
          <Route path="/s/:sandbox" nest={false}>
            {({ sandbox }) => <Redirect to={`/s/${sandbox}/sources`} replace />}
          </Route>
          <Route path="/s/:sandbox/*?" component={InSandbox} />
          <Route component={Home} />
        </Switch>
      </Guard>
    </I18nProvider>
  );
}

/** Shows its children to those who are signed in, and sends others to sign in. */
function SignedIn({ children }: { children: ReactNode }) {
  const { session, pending, error, retry } = useHeldSession();
  if (pending) return <Skeleton rows={3} shape="text" />;
  if (error)
    return (
      <main className="sign-in">
        <h1>{texts.product}</h1>
        <ErrorPanel what={texts.pageFailed.what} error={error} onRetry={retry} />
      </main>
    );
  return session ? children : <Redirect to="/signin" replace />;
}

function Home() {
  return (
    <SignedIn>
      <ToDefaultSandbox />
    </SignedIn>
  );
}

function ToDefaultSandbox() {
  const { data, error, refetch } = useQuery(sandboxesQuery);
  if (error)
    return (
      <main className="sign-in">
        <h1>{texts.product}</h1>
        <ErrorPanel what={texts.sandboxMissing.failed} error={error} onRetry={() => void refetch()} />
      </main>
    );
  const chosen = data?.find((one) => one.isDefault) ?? data?.[0];
  return chosen ? (
    <Redirect to={pathOf(chosen.name, "sources")} replace />
  ) : (
    <Skeleton rows={3} shape="text" />
  );
}

function InSandbox() {
  return (
    <SignedIn>
      <Shell>
        <KnownSandbox>
          <Guard as="page">
            <Switch>
              <Route path="/s/:sandbox/sources" component={Catalog} />
              <Route path="/s/:sandbox/sources/accounts" component={Accounts} />
              <Route path="/s/:sandbox/sources/accounts/new" component={NewAccount} />
              <Route path="/s/:sandbox/sources/accounts/:id" component={Account} />
              <Route path="/s/:sandbox/flows/new" component={Wizard} />
              <Route path="/s/:sandbox/flows/:id/edit" component={EditFlow} />
              <Route path="/s/:sandbox/flows" component={Dataflows} />
              <Route path="/s/:sandbox/flows/:id" component={Flow} />
              <Route path="/s/:sandbox/runs/:id" component={Run} />
              <Route path="/s/:sandbox/datasets" component={Datasets} />
              <Route path="/s/:sandbox/datasets/:id" component={Dataset} />
              <Route path="/s/:sandbox/schemas" component={Schemas} />
              <Route path="/s/:sandbox/schemas/:id" component={Schema} />
              <Route path="/s/:sandbox/monitoring" component={Monitoring} />
              <Route path="/s/:sandbox/sandboxes" component={Sandboxes} />
              <Route path="/s/:sandbox/credentials" component={Credentials} />
              <Route component={NotFound} />
            </Switch>
          </Guard>
        </KnownSandbox>
      </Shell>
    </SignedIn>
  );
}

/** A page whose file is on its way. */
function Coming() {
  return (
    <>
      <h1 className="visually-hidden">{texts.common.loading}</h1>
      <Skeleton />
    </>
  );
}

function KnownSandbox({ children }: { children: ReactNode }) {
  const sandbox = useSandbox();
  const { data } = useQuery(sandboxesQuery);
  if (!data || data.some((one) => one.name === sandbox)) return children;
  const other = data.find((one) => one.isDefault) ?? data[0];
  return (
    <Page title={texts.sandboxMissing.title} calls={[]}>
      <EmptyState
        icon="warn"
        title={texts.sandboxMissing.title}
        action={
          other ? (
            <Link to={pathOf(other.name, "sources")} className="button primary normal">
              {texts.sandboxMissing.go(other.title || other.name)}
            </Link>
          ) : undefined
        }
      >
        {texts.sandboxMissing.text}
      </EmptyState>
    </Page>
  );
}
