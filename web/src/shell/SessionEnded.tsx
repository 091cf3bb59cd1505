import { texts } from "../texts";
import { Dialog } from "../ui/overlays";
import { HowToGetALink, SignInForm } from "./SignInForm";

/** Over the page, which keeps all that was typed. */
export default function SessionEnded() {
  return (
    <Dialog title={texts.session.ended} isOpen onClose={() => undefined} stays role="alertdialog">
      <p>{texts.session.endedWhy}</p>
      <SignInForm />
      <HowToGetALink />
    </Dialog>
  );
}
