/** `/signin#CODE`: the code stands in the fragment, which is sent to no server and kept in no history. */
import { useEffect, useState } from "react";
import { Redirect, useSearch } from "wouter";
import { codeIn, useHeldSession } from "../session";
import { texts } from "../texts";
import { ErrorPanel } from "../ui/feedback";
import { HowToGetALink, SignInForm } from "./SignInForm";
import { Mark } from "./TopBar";

/** The code of the address, taken out of it at once: it must neither be bookmarked nor sent on. */
function takeCode(): string {
  const code = codeIn(window.location.hash);
  if (code) window.history.replaceState(null, "", window.location.pathname);
  return code;
}

export default function SignIn() {
  const { session, signIn } = useHeldSession();
  const search = useSearch();
  const [error, setError] = useState<unknown>(null);
  const [working, setWorking] = useState(() => codeIn(window.location.hash) !== "");
  useEffect(() => {
    document.title = `${texts.session.title} · ${texts.product}`;
    const take = () => {
      const code = takeCode();
      if (!code) return;
      setWorking(true);
      signIn(code)
        .catch(setError)
        .finally(() => setWorking(false));
    };
    take();
    // A link that is opened where this page already shows changes the fragment alone.
    window.addEventListener("hashchange", take);
    return () => window.removeEventListener("hashchange", take);
  }, [signIn]);
  if (session && !working && !error) return <Redirect to="/" replace />;
  const signedOut = new URLSearchParams(search).get("signed") === "out";
  return (
    <main className="sign-in" id="main">
      <div className="sign-in-card">
        <Mark />
        <h1>{texts.product}</h1>
        {working ? (
          <p role="status">{texts.session.working}</p>
        ) : (
          <>
            <p className="muted">{signedOut ? texts.session.signedOut : texts.session.intro}</p>
            {error ? (
              <ErrorPanel what={texts.session.refusedWhat} error={error} advice={texts.session.refusedNext} />
            ) : null}
            <SignInForm />
            <HowToGetALink />
          </>
        )}
      </div>
    </main>
  );
}
