/** Signing in by the one-time link of the server: opened, or pasted. */
import { type FormEvent, useState } from "react";
import { codeIn, useHeldSession } from "../session";
import { texts } from "../texts";
import { Button } from "../ui/Button";
import { CopyButton, ErrorPanel } from "../ui/feedback";
import { SecretField } from "../ui/fields";
import { focusInvalid } from "../ui/invalid";

export function SignInForm() {
  const { signIn } = useHeldSession();
  const [text, setText] = useState("");
  const [missing, setMissing] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    focusInvalid(event.currentTarget);
    const code = codeIn(text);
    setMissing(!code);
    if (!code) return;
    setBusy(true);
    setError(null);
    try {
      await signIn(code);
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={submit} noValidate className="form">
      {error ? (
        <ErrorPanel what={texts.session.refusedWhat} error={error} advice={texts.session.refusedNext} />
      ) : null}
      <SecretField
        label={texts.session.field}
        help={texts.session.fieldHelp}
        value={text}
        onChange={setText}
        error={missing ? texts.session.empty : undefined}
        required
      />
      <Button type="submit" look="primary" isPending={busy}>
        {texts.session.go}
      </Button>
    </form>
  );
}

export function HowToGetALink() {
  return (
    <section className="how-to">
      <h2>{texts.session.how}</h2>
      <ol>
        {texts.session.steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      <p className="command">
        <code>{texts.session.command}</code>
        <CopyButton text={texts.session.command} label={texts.call.copy(texts.session.command)} />
      </p>
    </section>
  );
}
